package cluster

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sirupsen/logrus"
	"golang.org/x/sys/unix"

	"github.com/safehold/safehold/runtime/cluster/clusterxml"
	"github.com/safehold/safehold/runtime/ha"
)

const pairXML = `<cluster><lans>
<lan name="one"><node name="alpha" addr="127.0.20.1"/><node name="beta" addr="127.0.20.2"/></lan>
<lan name="two"><node name="alpha" addr="127.0.21.1"/><node name="beta" addr="127.0.21.2"/></lan>
</lans></cluster>`

func quietLog() logrus.FieldLogger {
	l := logrus.New()
	l.SetOutput(io.Discard)
	return l
}

// options are those of a node with the given addresses.
func options(dir string, addrs ...string) Options {
	return Options{Dir: dir, Log: quietLog(), LocalAddrs: func() ([]netip.Addr, error) {
		var out []netip.Addr
		for _, a := range addrs {
			out = append(out, netip.MustParseAddr(a))
		}
		return out, nil
	}}
}

func open(t *testing.T, o Options) *Manager {
	t.Helper()
	m, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func configure(t *testing.T, m *Manager, xml string, lock Lock) {
	t.Helper()
	if _, err := m.Config(t.Context(), Input{"c.xml", []byte(xml)}, lock); err != nil {
		t.Fatal(err)
	}
}

// snapshot gives the files of a folder by name.
func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, e := range entries {
		raw, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		out[e.Name()] = string(raw)
	}
	return out
}

func TestConfigAndRestart(t *testing.T) {
	o := options(filepath.Join(t.TempDir(), "cluster"), "127.0.20.1")
	var told []*Active
	o.Changed = func(a *Active) { told = append(told, a) }
	m := open(t, o)
	if m.Active() != nil || m.Identity() != nil {
		t.Fatal("a new node is in a cluster")
	}
	configure(t, m, pairXML, NoLock)
	a := m.Active()
	if a.Node != "alpha" || len(a.Signature) != 40 || a.Locked || a.Identity.Node != "alpha" {
		t.Errorf("%+v", a)
	}
	if err := os.WriteFile(filepath.Join(o.Dir, "notes.txt"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	// Again from the folder: a new key, the same authority, other files kept.
	if _, err := m.Config(t.Context(), Input{}, NoLock); err != nil {
		t.Fatal(err)
	}
	b := m.Active()
	if b.Signature == a.Signature || b.Identity.Authority.ID() != a.Identity.Authority.ID() {
		t.Error("config must renew the key and keep the authority")
	}
	// An edited file that was not applied has no effect over a restart.
	edited := strings.ReplaceAll(pairXML, "beta", "gamma")
	if err := os.WriteFile(filepath.Join(o.Dir, xmlFile), []byte(edited), 0o600); err != nil {
		t.Fatal(err)
	}
	o.LocalAddrs = func() ([]netip.Addr, error) { return nil, nil } // interfaces are down
	again := open(t, o).Active()
	if again == nil || again.Signature != b.Signature || again.Node != "alpha" || !again.Config.HasNode("beta") || !again.Date.Equal(b.Date) {
		t.Errorf("after a restart: %+v", again)
	}
	if snapshot(t, o.Dir)["notes.txt"] != "mine" {
		t.Error("the operator's file is gone")
	}
	if len(told) != 3 {
		t.Errorf("told of %d changes", len(told))
	}
	for name := range snapshot(t, o.Dir) {
		info, err := os.Stat(filepath.Join(o.Dir, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	if info, err := os.Stat(o.Dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestRefusalsKeepThePrevious(t *testing.T) {
	m := open(t, options(filepath.Join(t.TempDir(), "cluster"), "127.0.20.1"))
	if _, err := m.Config(t.Context(), Input{}, NoLock); err == nil || !strings.Contains(err.Error(), "no cluster.xml in") {
		t.Errorf("no file at all: %v", err)
	}
	configure(t, m, pairXML, NoLock)
	before, active := snapshot(t, m.Dir), m.Active()
	for what, tc := range map[string]struct {
		in   Input
		want string
	}{
		"C01": {Input{"c.xml", []byte("x")}, `c.xml:1: cluster configuration: unexpected text "x"`},
		"C12": {Input{"c.xml", []byte(strings.ReplaceAll(pairXML, "127.0.2", "10.0.2"))}, "this host is not a node of the cluster"},
		"C14": {Input{"c.zip", zipOf(t, map[string]string{"other.xml": pairXML})}, "no cluster.xml in c.zip"},
		"zip": {Input{"c.zip", []byte("PK")}, "no cluster.xml in c.zip: not a usable zip file"},
		"half the keys": {Input{"c.zip", zipOf(t, map[string]string{xmlFile: pairXML, "ca.crt": "x"})},
			"read c.zip: some key files are there and some are missing"},
		"dns": {Input{"c.xml", []byte(strings.ReplaceAll(pairXML, "127.0.20.2", "no-such-host.invalid"))}, "invalid address"},
	} {
		if _, err := m.Config(t.Context(), tc.in, NoLock); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if diff := cmp.Diff(before, snapshot(t, m.Dir)); diff != "" || m.Active() != active {
		t.Error("a refused configuration changed something: ", diff)
	}
}

func zipOf(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, text := range files {
		e, err := w.Create(name)
		if err == nil {
			_, err = e.Write([]byte(text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestLock(t *testing.T) {
	o := options(filepath.Join(t.TempDir(), "cluster"), "127.0.20.1")
	m := open(t, o)
	configure(t, m, pairXML, SetLock)
	m = open(t, o) // the lock lasts
	bundle, err := m.Bundle()
	if err != nil {
		t.Fatal(err)
	}
	for what, f := range map[string]func() error{
		"config":   func() error { _, err := m.Config(t.Context(), Input{}, NoLock); return err },
		"lock":     func() error { _, err := m.Config(t.Context(), Input{}, SetLock); return err },
		"-G":       func() error { _, err := m.Apply(t.Context(), bundle); return err },
		"create":   func() error { return m.Create([]string{"10.0.0.1", "10.0.0.2"}) },
		"genkey":   m.GenKey,
		"deconfig": func() error { return m.Deconfig(func() []ha.ModuleName { return nil }) },
	} {
		if err := f(); !errors.Is(err, ErrLocked) || err.Error() != "cluster configuration is locked" {
			t.Errorf("%s: %v", what, err)
		}
	}
	configure(t, m, pairXML, Unlock)
	configure(t, m, pairXML, NoLock)
}

func TestDeconfigAndCreate(t *testing.T) {
	m := open(t, options(filepath.Join(t.TempDir(), "cluster"), "127.0.20.1"))
	configure(t, m, pairXML, NoLock)
	if err := m.Deconfig(func() []ha.ModuleName { return []ha.ModuleName{"kvm1"} }); err == nil || m.Active() == nil {
		t.Errorf("deconfig with a running module: %v", err)
	}
	if err := m.Deconfig(func() []ha.ModuleName { return nil }); err != nil || m.Active() != nil || len(snapshot(t, m.Dir)) != 0 {
		t.Errorf("deconfig: %v, %v", err, snapshot(t, m.Dir))
	}
	if err := m.GenKey(); !errors.Is(err, ErrNotConfigured) {
		t.Errorf("genkey without a cluster: %v", err)
	}
	if err := m.Create([]string{"127.0.20.1", "127.0.20.2"}); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Config(t.Context(), Input{}, NoLock); err != nil || m.Active().Node != "server0" {
		t.Errorf("%v", err)
	}
}

// TestErrorAtEveryStep fails a change at every point, with clean-up and as a
// crash without: the previous configuration, or after the exchange the new
// one, must be whole.
func TestErrorAtEveryStep(t *testing.T) {
	o := options(filepath.Join(t.TempDir(), "cluster"), "127.0.20.1")
	m := open(t, o)
	configure(t, m, pairXML, NoLock)
	var steps []string
	m.failpoint = func(step string) error { steps = append(steps, step); return nil }
	configure(t, m, pairXML, NoLock)
	if len(steps) < 9 {
		t.Fatalf("only %d steps: %v", len(steps), steps)
	}
	for _, step := range steps {
		for _, crash := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s crash=%v", step, crash), func(t *testing.T) { failAt(t, o, step, crash) })
		}
	}
}

func failAt(t *testing.T, o Options, step string, crash bool) {
	m := open(t, o)
	before, files := m.Active(), snapshot(t, o.Dir)
	broken := errors.New("injected")
	m.failpoint = func(s string) error {
		if s != step {
			return nil
		}
		if crash {
			panic(broken)
		}
		return broken
	}
	func() {
		defer func() { _ = recover() }()
		_, err := m.Config(t.Context(), Input{"c.xml", []byte(pairXML)}, NoLock)
		if (step == "remove") != (err == nil) {
			t.Errorf("error %v", err)
		}
	}()
	again := open(t, o).Active()
	if again == nil {
		t.Fatal("no configuration is left")
	}
	if step == "remove" { // after the exchange: the new one is in force
		if again.Signature == before.Signature {
			t.Error("the new configuration was lost")
		}
	} else if diff := cmp.Diff(files, snapshot(t, o.Dir)); diff != "" || again.Signature != before.Signature {
		t.Error("the previous configuration changed: ", diff)
	}
	if _, err := os.Stat(o.Dir + ".new"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("something was left behind: %v", err)
	}
}

func TestFullDisk(t *testing.T) {
	mount := t.TempDir()
	if err := unix.Mount("tmpfs", mount, "tmpfs", 0, "size=96k"); err != nil {
		t.Fatalf("mount a small tmpfs (root is needed): %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(mount, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	o := options(filepath.Join(mount, "cluster"), "127.0.20.1")
	m := open(t, o)
	configure(t, m, pairXML, NoLock)
	before, active := snapshot(t, o.Dir), m.Active()
	fill, err := os.Create(filepath.Join(mount, "fill"))
	if err != nil {
		t.Fatal(err)
	}
	defer fill.Close()
	for err == nil {
		_, err = fill.Write(make([]byte, 4096))
	}
	if _, err := m.Config(t.Context(), Input{"c.xml", []byte(pairXML)}, NoLock); !errors.Is(err, unix.ENOSPC) {
		t.Errorf("config on a full disk: %v", err)
	}
	if err := m.GenKey(); !errors.Is(err, unix.ENOSPC) {
		t.Errorf("genkey on a full disk: %v", err)
	}
	if diff := cmp.Diff(before, snapshot(t, o.Dir)); diff != "" || m.Active() != active {
		t.Error("a full disk changed the configuration: ", diff)
	}
	if again := open(t, o).Active(); again == nil || again.Signature != active.Signature {
		t.Errorf("after a restart: %+v", again)
	}
	if err := os.Remove(fill.Name()); err != nil {
		t.Fatal(err)
	}
	fill.Close()
	configure(t, m, pairXML, NoLock)
}

func TestDamagedFolderDoesNotStopTheDaemon(t *testing.T) {
	for _, name := range []string{appliedFile, resolvedFile, "node.key", "cluster.key"} {
		o := options(filepath.Join(t.TempDir(), "cluster"), "127.0.20.1")
		m := open(t, o)
		configure(t, m, pairXML, NoLock)
		if err := os.WriteFile(filepath.Join(o.Dir, name), []byte("damaged"), 0o600); err != nil {
			t.Fatal(err)
		}
		m = open(t, o)
		if m.Active() != nil {
			t.Errorf("damaged %s was accepted", name)
		}
		configure(t, m, pairXML, NoLock)
	}
}

func TestLinks(t *testing.T) {
	cfg, _, err := clusterxml.Parse("c", []byte(`<cluster><lans><lan name="wan">
	<node name="alpha" addr="203.0.113.10" laddr="10.8.0.4"/><node name="beta" addr="198.51.100.7" laddr="10.9.0.4"/>
	</lan></lans></cluster>`))
	if err != nil {
		t.Fatal(err)
	}
	if here, there, err := Links(cfg, "wan", "alpha", "beta"); err != nil || here != "10.8.0.4" || there != "198.51.100.7" {
		t.Errorf("%s %s %v", here, there, err)
	}
	for _, bad := range [][3]string{{"lan", "alpha", "beta"}, {"wan", "x", "beta"}, {"wan", "alpha", "x"}} {
		if _, _, err := Links(cfg, bad[0], ha.NodeName(bad[1]), ha.NodeName(bad[2])); err == nil {
			t.Errorf("%v accepted", bad)
		}
	}
}

func FuzzBundle(f *testing.F) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	e, _ := w.Create(xmlFile)
	_, _ = e.Write([]byte(pairXML))
	_ = w.Close()
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, raw []byte) {
		if b, err := readBundle("fuzz", raw); err == nil && b.xml == nil {
			t.Error("accepted without cluster.xml")
		}
	})
}

func TestClockIsRecorded(t *testing.T) {
	o := options(filepath.Join(t.TempDir(), "cluster"), "127.0.20.1")
	now := time.Date(2026, 3, 2, 8, 15, 40, 0, time.UTC)
	o.Now = func() time.Time { return now }
	m := open(t, o)
	configure(t, m, pairXML, NoLock)
	if !m.Active().Date.Equal(now) {
		t.Errorf("date %v", m.Active().Date)
	}
}

func TestConfcheckHasNoEffect(t *testing.T) {
	m := open(t, options(filepath.Join(t.TempDir(), "cluster"), "127.0.20.1"))
	path := filepath.Join(t.TempDir(), "other.xml")
	xml := strings.ReplaceAll(pairXML, "127.0.2", "10.0.2") // not this host: fine for a check
	if err := os.WriteFile(path, []byte(strings.Replace(xml, `"two"`, `"two" console="on"`, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	in, err := ReadInput(path)
	if err != nil {
		t.Fatal(err)
	}
	warnings, err := m.Confcheck(t.Context(), in)
	if err != nil || len(warnings) != 1 || warnings[0].String() != "other.xml:3: attribute 'console' in <lan> is obsolete and ignored" {
		t.Errorf("%v, %v", warnings, err)
	}
	if _, err := m.Confcheck(t.Context(), Input{"c.xml", []byte(pairXML[:100])}); err == nil {
		t.Error("half a file accepted")
	}
	if m.Active() != nil || len(snapshot(t, m.Dir)) != 0 {
		t.Error("a check changed something")
	}
}
