package rfs

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/safehold/safehold/plugins/api"
)

// rejoin brings b back after it was away, and gives how it went.
func rejoin(t *testing.T, a, b *node, epoch uint64, how api.Assignment) api.SyncStats {
	t.Helper()
	a.forget()
	b.forget()
	how.Role, how.Epoch = api.DataSecondary, epoch
	b.assign(how)
	e := b.wait(api.SyncDone)
	a.wait(api.PeerReady)
	return e.Stats
}

func TestOneBlockOfABigSparseFile(t *testing.T) {
	a, b := pair(t)
	f, err := os.Create(a.path("disk"))
	must(t, err)
	must(t, f.Truncate(100<<30))
	_, err = f.WriteAt([]byte(text(3<<20)), 40<<30)
	must(t, err)
	f.Close()
	together(t, a, b)
	for _, how := range []api.Assignment{{}, {Sync: api.SyncFull}} {
		b.idle(1)
		detach(t, a)
		f, err = os.OpenFile(a.path("disk"), os.O_WRONLY, 0)
		must(t, err)
		_, err = f.WriteAt([]byte("one block "+how.Since.String()+fmt.Sprint(how.Sync)), 40<<30+1<<20)
		must(t, err)
		f.Close()
		st := rejoin(t, a, b, 1, how)
		if st.Done == 0 || st.Done > 3*64<<10 {
			t.Errorf("%v: %d bytes were moved", how.Sync, st.Done)
		}
		if how.Sync == api.SyncAuto && st.Compared > 1<<20 {
			t.Errorf("%d bytes were compared", st.Compared)
		}
	}
	a.idle(1)
	b.idle(1)
	same(t, a, b)
}

func TestHolesComeAndGo(t *testing.T) {
	a, b := pair(t)
	write(t, a.path("f"), text(8<<20))
	together(t, a, b)
	b.idle(1)
	detach(t, a)
	f, err := os.OpenFile(a.path("f"), os.O_RDWR, 0)
	must(t, err)
	must(t, unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 1<<20, 4<<20))
	must(t, f.Truncate(7<<20))
	must(t, f.Truncate(9<<20))
	f.Close()
	rejoin(t, a, b, 1, api.Assignment{})
	a.idle(1)
	b.idle(1)
	same(t, a, b)
}

func TestSparseUnequalIdentity(t *testing.T) {
	a, b := pair(t)
	write(t, a.path("f"), text(1<<20))
	together(t, a, b)
	b.idle(1)
	detach(t, a)
	// A new file with holes takes the name of one with data.
	f, err := os.Create(a.path("new"))
	must(t, err)
	must(t, f.Truncate(1<<20))
	f.Close()
	must(t, os.Rename(a.path("new"), a.path("f")))
	rejoin(t, a, b, 1, api.Assignment{})
	a.idle(1)
	b.idle(1)
	same(t, a, b)
}

func TestChangedBehindTheMount(t *testing.T) {
	a, b := pair(t)
	write(t, a.path("f"), text(1<<20))
	write(t, a.path("g"), text(1<<20))
	together(t, a, b)
	a.idle(1)
	b.idle(1)
	write(t, a.path("f"), "changed while nothing ran")
	write(t, b.path("g"), "changed on the other")
	a.assign(api.Assignment{Role: api.DataPrimary, Epoch: 2})
	rejoin(t, a, b, 2, api.Assignment{})
	a.idle(2)
	b.idle(2)
	same(t, a, b)
}

func TestMassDeletionStops(t *testing.T) {
	a, b := pair(t)
	for i := range 40 {
		write(t, a.path(fmt.Sprint(i)), "x")
	}
	together(t, a, b)
	b.idle(1)
	detach(t, a)
	for i := range 35 {
		must(t, os.Remove(a.path(fmt.Sprint(i))))
	}
	b.forget()
	b.second(1)
	if e := b.wait(api.SyncFailed); e.Retry || e.Diverged || !strings.Contains(e.Reason, "would remove 35 of 40") {
		t.Fatalf("%+v", e)
	}
	b.idle(1)
	if _, err := os.Stat(b.path("0")); err != nil {
		t.Fatal(err)
	}
	rejoin(t, a, b, 1, api.Assignment{Sync: api.SyncFull})
	a.idle(1)
	b.idle(1)
	same(t, a, b)
}

func TestSyncSince(t *testing.T) {
	a, b := pair(t)
	write(t, a.path("old"), "of a")
	write(t, b.path("old"), "of b")
	now := time.Now()
	must(t, os.Chtimes(a.path("old"), now, now.Add(-time.Hour)))
	must(t, os.Chtimes(b.path("old"), now, now.Add(-time.Hour)))
	write(t, a.path("new"), "new")
	write(t, b.path("new"), "NEW")
	a.alone(1)
	st := rejoin(t, a, b, 1, api.Assignment{Sync: api.SyncSince, Since: now.Add(-30 * time.Minute)})
	if st.Mode != "date" || read(t, b.path("new")) != "new" || read(t, b.path("old")) != "of b" {
		t.Fatalf("%+v, %q, %q", st, read(t, b.path("new")), read(t, b.path("old")))
	}
}

func TestForceOwesAFullCopy(t *testing.T) {
	a, b := pair(t)
	write(t, a.path("f"), "x")
	together(t, a, b)
	b.idle(1)
	a.idle(1)
	a.assign(api.Assignment{Role: api.DataPrimary, Epoch: 2, Generation: randomGeneration(), Force: true})
	if st := rejoin(t, a, b, 2, api.Assignment{}); st.Mode != "full" {
		t.Fatalf("%+v", st)
	}
}

func TestNotReplicated(t *testing.T) {
	a, b := pair(t, func(c *api.ReplicationConfig) {
		c.Dirs[0].NotReplicated = []api.Filter{{Path: "private"}, {Regex: `\.tmp$`}}
	})
	must(t, os.Mkdir(a.path("private"), 0o700))
	write(t, a.path("private/before"), "x")
	must(t, os.Mkdir(b.path("private"), 0o700))
	write(t, b.path("private/own"), "stays")
	together(t, a, b)
	write(t, a.path("private/after"), "x")
	write(t, a.path("x.tmp"), "x")
	write(t, a.path("x"), "x")
	if err := os.Rename(a.path("x.tmp"), a.path("y")); err == nil {
		t.Log("mv fell back to a copy") // os.Rename does not; the kernel gives EXDEV
		t.Fail()
	}
	a.idle(1)
	b.idle(1)
	for rel, want := range map[string]bool{"private/own": true, "private/before": false, "private/after": false, "x.tmp": false, "x": true} {
		if _, err := os.Stat(b.path(rel)); (err == nil) != want {
			t.Errorf("%s: %v", rel, err)
		}
	}
}

func TestFullSecondaryDropsOut(t *testing.T) {
	a, b := stopped(t)
	must(t, unix.Mount("small", b.dir, "tmpfs", 0, "size=4m"))
	t.Cleanup(func() { _ = unix.Unmount(b.dir, unix.MNT_DETACH) })
	a.start()
	b.start()
	together(t, a, b)
	done := make(chan error, 1)
	go func() { done <- os.WriteFile(a.path("f"), []byte(text(8<<20)), 0o600) }()
	if e := b.wait(api.PrimaryLost); !strings.Contains(e.Reason, "no space left") {
		t.Fatalf("%+v", e)
	}
	if e := a.wait(api.PeerLost); !strings.Contains(e.Reason, "no space left") {
		t.Fatalf("%+v", e)
	}
	detach(t, a)
	must(t, <-done)
	b.idle(1)
}
