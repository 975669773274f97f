package fuse_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/posixtest"
	"golang.org/x/sys/unix"

	"github.com/safehold/safehold/plugins/rfs/fuse"
)

func TestMain(m *testing.M) {
	unix.Umask(0) // as the package comment demands of a handler's process
	for role, run := range map[string]func(string){
		childEnv: childServe, adoptEnv: childAdopt, loadEnv: childLoad, mmapEnv: childMmap,
	} {
		if arg := os.Getenv(role); arg != "" {
			run(arg)
			return
		}
	}
	os.Exit(m.Run())
}

// deadline is how long a test waits for what must happen.
const deadline = 60 * time.Second

// rig is a loopback mounted over a directory in place.
type rig struct {
	dir  string // the mount
	held *os.File
	fs   *loopback
	conn *fuse.Conn
	done chan error // what Serve returned
}

// under is the path of a name below the mount, as seen without it.
func (r *rig) under(name string) string { return filepath.Join(procDir(r.held), name) }

func (r *rig) path(name string) string { return filepath.Join(r.dir, name) }

func mount(t testing.TB, o fuse.Options) *rig {
	t.Helper()
	return mountWith(t, o, nil)
}

// mountWith mounts a loopback that prepare has changed, and serves it until the
// test ends.
func mountWith(t testing.TB, o fuse.Options, prepare func(*loopback)) *rig {
	t.Helper()
	r := &rig{dir: t.TempDir(), done: make(chan error, 1)}
	must(t, os.Chmod(r.dir, 0o777))
	must(t, os.Chmod(filepath.Dir(r.dir), 0o755))
	probe := filepath.Join(r.dir, "probe")
	must(t, os.WriteFile(probe, nil, 0o600))
	var err error
	r.held, err = os.Open(r.dir)
	must(t, err)
	r.fs, err = newLoopback(r.dir)
	must(t, err)
	if prepare != nil {
		prepare(r.fs)
	}
	o.Dir = r.held
	r.conn, err = fuse.Mount(t.Context(), r.dir, o)
	must(t, err)
	go func() { r.done <- r.conn.Serve(context.Background(), r.fs) }()
	t.Cleanup(func() { r.close(t) })
	must(t, fuse.SettlePoll(probe))
	must(t, unix.Unlink(r.under("probe")))
	must(t, r.conn.NotifyEntry(fuse.RootID, "probe", false))
	return r
}

// close takes everything away, whatever the test has left.
func (r *rig) close(t testing.TB) {
	if _, err := fuse.Detach(r.dir); err != nil {
		t.Errorf("detach: %v", err)
	}
	if err := r.wait(t); err != nil && !errors.Is(err, fuse.ErrAborted) {
		t.Errorf("serve: %v", err)
	}
	if err := r.conn.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	r.fs.close()
	r.held.Close()
}

// wait returns what Serve returned.
func (r *rig) wait(t testing.TB) error {
	t.Helper()
	select {
	case err := <-r.done:
		r.done <- err
		return err
	case <-time.After(deadline):
		t.Fatal("serve did not return")
		return nil
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// until polls for a condition.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(deadline); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited too long for: %s", what)
		}
	}
}

// notForUs are tests of the suite that do not pass on a local file system
// either, with the reason.
var notForUs = map[string]string{
	"FcntlFlockLocksFile": "wants two descriptors of one process to conflict; POSIX locks belong to processes",
	"XAttrLarge":          "skips itself where the file system underneath has no room for large attributes",
}

func TestPosix(t *testing.T) {
	for _, mode := range []struct {
		name string
		o    fuse.Options
	}{
		{"default", fuse.Options{}},
		{"writeback", fuse.Options{WritebackCache: true, CloneFDs: true, LockThreads: true, Readers: 3}},
	} {
		for name, test := range posixtest.All {
			if notForUs[name] != "" {
				continue
			}
			t.Run(mode.name+"/"+name, func(t *testing.T) {
				test(t, mount(t, mode.o).dir)
			})
		}
	}
}
