package rfs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/safehold/safehold/plugins/api"
	"github.com/safehold/safehold/runtime/ha"
)

func durableAck(on bool) func(*api.ReplicationConfig) {
	return func(c *api.ReplicationConfig) { c.Tuning.DurableAck = on }
}

func detach(t testing.TB, n *node) ha.Generation {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	g := randomGeneration()
	must(t, n.rep.Detach(ctx, g))
	return g
}

func TestLossHoldsWritesUntilDetach(t *testing.T) {
	a, b := pair(t)
	together(t, a, b)
	write(t, a.path("f"), "1")
	b.idle(1)
	if e := a.wait(api.PeerLost); !e.Clean {
		t.Fatalf("%+v", e)
	}
	done := make(chan error, 1)
	go func() { done <- os.WriteFile(a.path("g"), []byte("2"), 0o600) }()
	select {
	case err := <-done:
		t.Fatalf("a write was acknowledged while nobody decided: %v", err)
	case <-time.After(200 * time.Millisecond):
	}
	if a.facts().PeerBehind {
		t.Fatal("the peer is behind before Detach")
	}
	g := detach(t, a)
	must(t, <-done)
	f := a.facts()
	if f.History.Current != g || !f.PeerBehind || f.DirtyBytes < 0 {
		t.Fatalf("%+v", f)
	}
	a.wait(api.PeerDetached)
	if rel := ha.Compare(b.facts().History, f.History); rel != ha.Behind {
		t.Fatalf("the secondary is %s", rel)
	}
	b.forget()
	b.second(1)
	b.wait(api.SyncDone)
	a.idle(1)
	b.idle(1)
	same(t, a, b)
}

func TestNobodyDecides(t *testing.T) {
	a, b := pair(t, func(c *api.ReplicationConfig) { c.SendTimeout, c.LockTimeout = 300*time.Millisecond, 20*time.Second })
	together(t, a, b)
	b.idle(1)
	write(t, a.path("f"), "goes on by itself")
	a.wait(api.PeerDetached)
	if f := a.facts(); !f.PeerBehind || f.History.Current == b.facts().History.Current {
		t.Fatalf("%+v", f)
	}
}

func TestPrimaryInStepHoldsUntilThePeerIsEqual(t *testing.T) {
	a, b := pair(t)
	together(t, a, b)
	a.idle(1)
	b.idle(1)
	a.forget()
	g := a.facts().History.Current
	a.assign(api.Assignment{Role: api.DataPrimary, Epoch: 2})
	done := make(chan error, 1)
	go func() { done <- os.WriteFile(a.path("f"), []byte("x"), 0o600) }()
	select {
	case err := <-done:
		t.Fatalf("a write was acknowledged before the peer came: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	b.assign(api.Assignment{Role: api.DataSecondary, Epoch: 2, Sync: api.SyncNone})
	a.wait(api.PeerReady)
	must(t, <-done)
	if a.facts().History.Current != g {
		t.Fatal("a generation was born without need")
	}
	a.idle(2)
	b.idle(2)
	same(t, a, b)
}

func TestSwap(t *testing.T) {
	a, b := pair(t)
	together(t, a, b)
	for i := range 4 {
		write(t, a.path(fmt.Sprintf("f%d", i)), "x")
		a.forget()
		b.forget()
		a.assign(api.Assignment{Role: api.DataSecondary, Epoch: uint64(i + 2), Sync: api.SyncNone})
		b.wait(api.PrimaryLost)
		b.assign(api.Assignment{Role: api.DataPrimary, Epoch: uint64(i + 2)})
		a.wait(api.SyncDone)
		b.wait(api.PeerReady)
		a, b = b, a
	}
	a.idle(9)
	b.idle(9)
	same(t, a, b)
	if a.facts().History.Current != b.facts().History.Current || a.facts().PeerBehind {
		t.Fatalf("%+v\n%+v", a.facts(), b.facts())
	}
}

func TestSecondaryIsReadOnly(t *testing.T) {
	a, b := pair(t)
	together(t, a, b)
	write(t, a.path("f"), "x")
	for what, err := range map[string]error{
		"write":  os.WriteFile(b.path("f"), nil, 0o600),
		"create": os.WriteFile(b.path("new"), nil, 0o600),
		"mkdir":  os.Mkdir(b.path("d"), 0o700),
		"unlink": os.Remove(b.path("f")),
		"rename": os.Rename(b.path("f"), b.path("g")),
		"chmod":  os.Chmod(b.path("f"), 0o700),
		"xattr":  unix.Setxattr(b.path("f"), "user.x", nil, 0),
	} {
		if !errors.Is(err, unix.EROFS) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestDivergedHistories(t *testing.T) {
	a, b := pair(t)
	together(t, a, b)
	write(t, a.path("both"), text(200000))
	write(t, a.path("doomed"), "x")
	b.idle(1)
	detach(t, a)
	b.alone(2)
	write(t, a.path("both"), "of a")
	write(t, b.path("both"), "of b")
	write(t, b.path("only b"), "written apart")
	b.idle(2)
	a.idle(2)
	a.assign(api.Assignment{Role: api.DataPrimary, Epoch: 3, Generation: a.facts().History.Current})
	b.forget()
	b.second(3)
	if e := b.wait(api.SyncFailed); !e.Diverged || e.Retry {
		t.Fatalf("%+v", e)
	}
	if b.facts().Consistent == false {
		t.Fatal("a refused catch-up changed the data")
	}
	b.forget()
	b.assign(api.Assignment{Role: api.DataSecondary, Epoch: 3, GiveWay: true})
	b.wait(api.SyncDone)
	a.idle(3)
	b.idle(3)
	same(t, a, b)
	kept := map[string]string{}
	must(t, filepath.WalkDir(filepath.Join(b.state, "rescue"), func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			kept[d.Name()] = read(t, p)
		}
		return err
	}))
	if kept["both"] != "of b" || kept["only b"] != "written apart" {
		t.Fatalf("kept %v", kept)
	}
}

func TestOldEpochsAreRefused(t *testing.T) {
	a, b := pair(t)
	a.alone(5)
	if err := a.tryAssign(api.Assignment{Role: api.DataIdle, Epoch: 4}); !errors.Is(err, ErrOldEpoch) {
		t.Fatal(err)
	}
	b.second(6)
	if e := b.wait(api.SyncFailed); !e.Retry || !strings.Contains(e.Reason, "epoch") {
		t.Fatalf("%+v", e)
	}
	a.alone(6)
	b.wait(api.SyncDone)
}

func TestStalledPeerDoesNotHangTheApplication(t *testing.T) {
	a, b := pair(t, func(c *api.ReplicationConfig) { c.SendTimeout, c.LockTimeout = time.Second, time.Second })
	l := between(t, a, b)
	together(t, a, b)
	l.freeze()
	write(t, a.path("f"), text(8<<20))
	a.wait(api.PeerLost)
	a.wait(api.PeerDetached)
}
