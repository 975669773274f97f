package rfs

import (
	"fmt"
	"maps"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/safehold/safehold/plugins/api"
)

// scribble writes to files of a directory until a call fails. now gives what was
// acknowledged last for each file, stop the same when it has ended.
func scribble(dir string) (now, stop func() map[string]string) {
	end := make(chan struct{})
	var mu sync.Mutex // guards last
	last := map[string]string{}
	set := func(name, s string) {
		mu.Lock()
		defer mu.Unlock()
		last[name] = s
	}
	now = func() map[string]string {
		mu.Lock()
		defer mu.Unlock()
		return maps.Clone(last)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-end:
				return
			default:
			}
			name := fmt.Sprintf("%s/s%d", dir, i%5)
			f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
			if err != nil {
				return
			}
			s := fmt.Sprintf("%d of many", i)
			_, werr := f.WriteString(s)
			serr := f.Sync()
			f.Close()
			if werr != nil || serr != nil {
				set(name, "") // it may hold either
				return
			}
			set(name, s)
		}
	})
	return now, func() map[string]string {
		close(end)
		wg.Wait()
		return now()
	}
}

// grows waits until the scribbling is well under way.
func grows(t *testing.T, n *node) {
	t.Helper()
	until(t, "files to appear", func() bool { _, err := os.Stat(n.path("s4")); return err == nil })
}

func TestKilledPrimaryLosesNothing(t *testing.T) {
	a, b := apart(t)
	together(t, a, b)
	_, stop := scribble(a.dir)
	grows(t, a)
	a.child.kill()
	acked := stop()
	a.bare()
	b.wait(api.PrimaryLost)
	b.alone(2)
	for name, want := range acked {
		rel := name[len(a.dir):]
		if got := read(t, b.path(rel)); got != want {
			// The write after the last acknowledged one may have arrived.
			var x, y int
			fmt.Sscanf(got, "%d", &x)
			fmt.Sscanf(want, "%d", &y)
			if x < y && got != "" && want != "" {
				t.Errorf("%s: %q, acknowledged %q", rel, got, want)
			}
		}
	}
	write(t, b.path("after"), "the takeover")
	a.start()
	if f := a.facts(); f.Clean || !f.Consistent {
		t.Fatalf("%+v", f)
	}
	a.forget()
	a.second(2)
	a.wait(api.SyncDone)
	b.wait(api.PeerReady)
	a.idle(2)
	b.idle(2)
	same(t, a, b)
}

func TestKilledSecondaryIsRepaired(t *testing.T) {
	a, b := apart(t)
	together(t, a, b)
	_, stop := scribble(a.dir)
	grows(t, a)
	b.kill()
	a.wait(api.PeerLost)
	detach(t, a)
	stop()
	b.start()
	if b.facts().Clean {
		t.Fatal("a killed secondary says that it ended cleanly")
	}
	b.forget()
	b.second(1)
	b.wait(api.SyncDone)
	a.idle(1)
	b.idle(1)
	same(t, a, b)
}

func TestBothKilledThenOnlyHotExtentsAreCompared(t *testing.T) {
	a, b := apart(t)
	a.alone(1)
	write(t, a.path("image"), text(96<<20))
	b.second(1)
	b.wait(api.SyncDone)
	a.wait(api.PeerReady)
	f, err := os.OpenFile(a.path("image"), os.O_WRONLY, 0)
	must(t, err)
	_, err = f.WriteAt([]byte("changed"), 50<<20)
	must(t, err)
	f.Close()
	a.child.kill()
	b.child.kill()
	a.bare()
	b.bare()
	a.start()
	b.start()
	a.assign(api.Assignment{Role: api.DataPrimary, Epoch: 2})
	a.forget()
	b.forget()
	b.second(2)
	e := b.wait(api.SyncDone)
	a.wait(api.PeerReady)
	if e.Stats.Compared == 0 || e.Stats.Compared > 48<<20 {
		t.Errorf("%d bytes were compared", e.Stats.Compared)
	}
	if e.Stats.Done > 1<<20 {
		t.Errorf("%d bytes were moved", e.Stats.Done)
	}
	a.idle(2)
	b.idle(2)
	same(t, a, b)
}

func TestInterruptedCatchUpIsInconsistent(t *testing.T) {
	a, b := stopped(t, func(c *api.ReplicationConfig) { c.ResyncRate = 4 << 20 })
	b.child = &child{}
	a.start()
	b.start()
	a.alone(1)
	write(t, a.path("big"), text(32<<20))
	b.second(1)
	until(t, "the copy to grow", func() bool {
		st, err := os.Stat(b.path("big"))
		return err == nil && st.Size() > 0
	})
	b.kill()
	b.start()
	if f := b.facts(); f.Consistent || f.Clean {
		t.Fatalf("%+v", f)
	}
	if err := b.tryAssign(api.Assignment{Role: api.DataPrimary, Epoch: 2, Generation: randomGeneration()}); err == nil {
		t.Fatal("inconsistent data became primary")
	}
	b.assign(api.Assignment{Role: api.DataPrimary, Epoch: 2, Generation: randomGeneration(), Force: true})
	if !b.facts().Consistent {
		t.Fatal("force was not accepted")
	}
}

func TestFrozenSecondaryProcess(t *testing.T) {
	a, b := stopped(t, func(c *api.ReplicationConfig) { c.SendTimeout, c.LockTimeout = time.Second, time.Second })
	b.child = &child{}
	a.start()
	b.start()
	together(t, a, b)
	b.child.freeze()
	defer b.child.thaw()
	write(t, a.path("f"), text(4<<20))
	a.wait(api.PeerLost)
	a.wait(api.PeerDetached)
	b.child.thaw()
	b.wait(api.PrimaryLost)
	b.forget()
	b.second(1)
	b.wait(api.SyncDone)
	a.idle(1)
	b.idle(1)
	same(t, a, b)
}
