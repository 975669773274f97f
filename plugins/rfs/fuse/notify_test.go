package fuse_test

import (
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/safehold/safehold/plugins/rfs/fuse"
)

// mountCaching mounts with answers that hold for ever, so that only a
// notification can change what the kernel believes.
func mountCaching(t *testing.T) *rig {
	return mountWith(t, fuse.Options{}, func(l *loopback) { l.valid = 24 * time.Hour })
}

func (r *rig) node(t *testing.T, name string) fuse.NodeID {
	t.Helper()
	var st unix.Stat_t
	must(t, unix.Lstat(r.under(name), &st))
	r.fs.mu.Lock()
	defer r.fs.mu.Unlock()
	n := r.fs.byIno[inoKey{st.Dev, st.Ino}]
	if n == nil {
		t.Fatalf("the kernel does not know %s", name)
	}
	return n.id
}

func TestNotifyInode(t *testing.T) {
	r := mountCaching(t)
	must(t, os.WriteFile(r.path("f"), []byte("old data"), 0o600))
	read := func() string {
		b, err := os.ReadFile(r.path("f"))
		must(t, err)
		return string(b)
	}
	f, err := os.Open(r.path("f")) // keeps the pages in use
	must(t, err)
	defer f.Close()
	b := make([]byte, 8)
	_, err = f.ReadAt(b, 0)
	must(t, err)
	must(t, os.WriteFile(r.under("f"), []byte("new data and more"), 0o600))
	if _, err := f.ReadAt(b, 0); err != nil || string(b) != "old data" {
		t.Fatalf("before the notification: %q %v", b, err)
	}
	must(t, r.conn.NotifyInode(r.node(t, "f"), 0, 0))
	if got := read(); got != "new data and more" {
		t.Fatalf("after the notification: %q", got)
	}
	must(t, r.conn.NotifyInode(fuse.NodeID(1<<40), 0, 0))
}

func TestNotifyEntryAndDelete(t *testing.T) {
	r := mountCaching(t)
	for _, name := range []string{"e", "d"} {
		must(t, os.WriteFile(r.path(name), nil, 0o600))
		id := r.node(t, name)
		must(t, os.Remove(r.under(name)))
		if _, err := os.Lstat(r.path(name)); err != nil {
			t.Fatalf("%s before the notification: %v", name, err)
		}
		if name == "e" {
			must(t, r.conn.NotifyEntry(fuse.RootID, name, false))
		} else {
			must(t, r.conn.NotifyDelete(fuse.RootID, id, name))
		}
		if _, err := os.Lstat(r.path(name)); !os.IsNotExist(err) {
			t.Fatalf("%s after the notification: %v", name, err)
		}
	}
	must(t, r.conn.NotifyEntry(fuse.RootID, "never seen", true))
}

func TestNotifyStore(t *testing.T) {
	r := mountCaching(t)
	must(t, os.WriteFile(r.path("f"), []byte("old data"), 0o600))
	f, err := os.Open(r.path("f"))
	must(t, err)
	defer f.Close()
	must(t, r.conn.NotifyStore(r.node(t, "f"), 0, []byte("new data")))
	b := make([]byte, 8)
	_, err = f.ReadAt(b, 0)
	must(t, err)
	if string(b) != "new data" {
		t.Fatalf("after storing into the cache: %q", b)
	}
}
