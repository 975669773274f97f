package fuse_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/safehold/safehold/plugins/rfs/fuse"
)

// adoptEnv makes the test binary serve the connection it inherits as file 3,
// in the state that the variable holds. It takes writes and answers none.
const adoptEnv = "FUSE_TEST_ADOPT"

func childAdopt(state string) {
	var st fuse.State
	if err := json.Unmarshal([]byte(state), &st); err != nil {
		panic(err)
	}
	conn, err := fuse.Attach(os.NewFile(3, "fuse"), st, fuse.Options{})
	if err != nil {
		panic(err)
	}
	h := oneFile{onWrite: func(fuse.WriteRequest) { fmt.Println("taken") }}
	if err := conn.Serve(context.Background(), h); err != nil {
		panic(err)
	}
}

// oneFile is a file system with a single file, "f", whose node and handle are
// the same in every process.
type oneFile struct {
	fuse.Unimplemented
	onWrite func(fuse.WriteRequest)
}

func (oneFile) attr(n fuse.NodeID) fuse.Attr {
	if n == fuse.RootID {
		return fuse.Attr{Ino: 1, Mode: unix.S_IFDIR | 0o755, Nlink: 2}
	}
	return fuse.Attr{Ino: 2, Mode: unix.S_IFREG | 0o644, Nlink: 1}
}

func (h oneFile) Lookup(r fuse.LookupRequest) {
	if r.Name != "f" {
		_ = r.ReplyError(unix.ENOENT)
		return
	}
	_ = r.Reply(fuse.Entry{Node: 2, Attr: h.attr(2), EntryValid: time.Hour, AttrValid: time.Hour})
}

func (h oneFile) Getattr(r fuse.GetattrRequest) { _ = r.Reply(h.attr(r.Node), time.Hour) }

func (oneFile) Open(r fuse.OpenRequest) {
	_ = r.Reply(fuse.Opened{Handle: 1, Flags: fuse.OpenDirectIO})
}

func (h oneFile) Write(r fuse.WriteRequest) { h.onWrite(r) }

func (oneFile) Flush(r fuse.FlushRequest)     { _ = r.Reply(nil) }
func (oneFile) Release(r fuse.ReleaseRequest) { _ = r.Reply(nil) }

// TestSessionOutlivesKilledServer kills a server that has taken a write and not
// answered it. The writer notices nothing but a delay, because this process
// holds the descriptor, adopts the session and has the write sent again.
func TestSessionOutlivesKilledServer(t *testing.T) {
	dir := t.TempDir()
	mounted, err := fuse.Mount(t.Context(), dir, fuse.Options{})
	must(t, err)
	t.Cleanup(func() { _, _ = fuse.Detach(dir); _ = mounted.Close() })
	file, err := mounted.File()
	must(t, err)
	defer file.Close()
	state, err := json.Marshal(mounted.State())
	must(t, err)

	child := exec.Command("/proc/self/exe")
	child.Env = append(os.Environ(), adoptEnv+"="+string(state))
	child.ExtraFiles = []*os.File{file}
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	must(t, err)
	must(t, child.Start())
	t.Cleanup(func() { _ = child.Process.Kill(); _ = child.Wait() })

	must(t, fuse.SettlePoll(filepath.Join(dir, "f")))
	fd, err := unix.Open(filepath.Join(dir, "f"), unix.O_WRONLY|unix.O_CLOEXEC, 0)
	must(t, err)
	wrote := make(chan error, 1)
	go func() {
		n, err := unix.Pwrite(fd, []byte("precious"), 0)
		if err == nil && n != 8 {
			err = fmt.Errorf("wrote %d bytes", n)
		}
		wrote <- err
	}()
	var word string
	_, err = fmt.Fscan(out, &word)
	must(t, err)
	must(t, child.Process.Kill())
	_ = child.Wait()

	adopted, err := fuse.Attach(file, mounted.State(), fuse.Options{})
	must(t, err)
	must(t, adopted.Resend())
	type write struct {
		data   string
		resent bool
	}
	got := make(chan write, 1)
	done := make(chan error, 1)
	go func() {
		done <- adopted.Serve(context.Background(), oneFile{onWrite: func(w fuse.WriteRequest) {
			got <- write{string(w.Data), w.Resent()}
			_ = w.Reply(len(w.Data))
		}})
	}()
	must(t, <-wrote)
	if w := <-got; w != (write{"precious", true}) {
		t.Fatalf("the write sent again: %+v", w)
	}
	must(t, unix.Close(fd))
	until(t, "unmount", func() bool { return adopted.Unmount() == nil })
	must(t, <-done)
	must(t, adopted.Close())
}
