package rfs

import (
	"context"
	"crypto/tls"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/safehold/safehold/plugins/api"
	"github.com/safehold/safehold/plugins/rfs/backing"
	"github.com/safehold/safehold/plugins/rfs/fuse"
)

func configure(n *node) error {
	return New(testLogger(string(n.name))).Configure(context.Background(), n.cfg)
}

func TestForeignAndMissingMarkers(t *testing.T) {
	a, b := pair(t)
	together(t, a, b)
	a.idle(1)
	b.idle(1)
	r, err := backing.OpenRoot(b.dir)
	must(t, err)
	defer r.Close()
	mine, err := r.Marker()
	must(t, err)
	must(t, r.SetMarker("another/tree"))
	if err := configure(b); err == nil || !strings.Contains(err.Error(), "another tree") {
		t.Fatal(err)
	}
	must(t, unix.Removexattr(b.dir, "trusted.safehold.tree"))
	if err := configure(b); err == nil || !strings.Contains(err.Error(), "is its volume mounted") {
		t.Fatal(err)
	}
	must(t, r.SetMarker(mine))
	must(t, configure(b))
}

func TestDamagedStateMeansNotUpToDate(t *testing.T) {
	a, b := pair(t)
	write(t, a.path("f"), "x")
	together(t, a, b)
	a.idle(1)
	b.idle(1)
	file := filepath.Join(b.state, "state.json")
	raw := []byte(read(t, file))
	raw[len(raw)/2] ^= 1
	must(t, os.WriteFile(file, raw, 0o600))
	b.start()
	if f := b.facts(); f.Consistent || f.Clean || !f.History.Current.IsZero() {
		t.Fatalf("%+v", f)
	}
	a.alone(2)
	rejoin(t, a, b, 2, api.Assignment{})
	a.idle(2)
	b.idle(2)
	same(t, a, b)
}

func TestToCheck(t *testing.T) {
	a, _ := pair(t, func(c *api.ReplicationConfig) { c.Dirs[0].ToCheck = []string{"must/be"} })
	if err := a.tryAssign(api.Assignment{Role: api.DataPrimary, Epoch: 1, Generation: randomGeneration()}); err == nil || !strings.Contains(err.Error(), "tocheck") {
		t.Fatal(err)
	}
	must(t, os.MkdirAll(a.path("must/be"), 0o700))
	a.alone(1)
}

func TestMountThatVanishesIsAFault(t *testing.T) {
	a, _ := pair(t)
	a.alone(1)
	if _, err := fuse.Detach(a.dir); err != nil {
		t.Fatal(err)
	}
	a.wait(api.LocalFault)
}

func TestProbeOfALivingMountIsQuiet(t *testing.T) {
	a, _ := pair(t, func(c *api.ReplicationConfig) { c.CheckEvery, c.CheckTimeout = 5*time.Millisecond, patience })
	a.alone(1)
	for range 200 {
		write(t, a.path("f"), "x")
	}
	if a.saw(api.LocalFault) {
		t.Fatal("a living mount was called dead")
	}
}

func TestStrangersAreNotServed(t *testing.T) {
	a, b := pair(t)
	a.alone(1)
	raw, err := tls.Dial("tcp", a.cfg.Listen, &tls.Config{InsecureSkipVerify: true})
	if err == nil {
		_, _ = raw.Write([]byte("GET / HTTP/1.0\r\n\r\n"))
		_ = raw.SetReadDeadline(time.Now().Add(patience))
		if _, err = raw.Read(make([]byte, 1)); err == nil {
			t.Fatal("a stranger without certificate was answered")
		}
		raw.Close()
	}
	// A certificate of the same authority that names another node.
	ca := newAuthority(t, t.TempDir())
	good := b.cfg
	b.cfg.CertFile, b.cfg.KeyFile = ca.issue(t, t.TempDir(), "b")
	b.cfg.Tuning.ResyncTimeout = 100 * time.Millisecond
	b.start()
	b.second(1)
	b.wait(api.SyncFailed)
	if a.saw(api.PeerAttached) {
		t.Fatal("a foreign certificate was accepted")
	}
	b.idle(1)
	b.cfg = good
	b.start()
	b.second(1)
	b.wait(api.SyncDone)
}

func TestANewWatcherReplacesTheOld(t *testing.T) {
	a, _ := pair(t)
	first, err := a.rep.Watch(context.Background())
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	second, err := a.rep.Watch(ctx)
	must(t, err)
	for range first { // ends
	}
	if e := <-second; e.Kind != api.FactsChanged {
		t.Fatalf("%+v", e)
	}
	cancel()
	for range second {
	}
}
