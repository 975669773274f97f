package clusterxml

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/safehold/safehold/runtime/ha"
)

func load(t *testing.T, name string) *Config {
	t.Helper()
	src, err := os.ReadFile(filepath.Join(fixtures, "valid", name))
	if err != nil {
		t.Fatal(err)
	}
	cfg, _, err := Parse(name, src)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func names(lans []Lan) []string {
	var out []string
	for _, l := range lans {
		out = append(out, l.Name)
	}
	return out
}

func TestHelpers(t *testing.T) {
	cfg := load(t, "n-to-1.xml")
	if got := cfg.CommandLan().Name; got != "all" {
		t.Errorf("command lan %s", got)
	}
	if diff := cmp.Diff([]ha.NodeName{"a", "spare", "b"}, cfg.Nodes()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]ha.NodeName{"a", "b"}, cfg.Peers("spare")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"pair", "all"}, names(cfg.LansWith("a", "spare"))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"all", "twin"}, names(cfg.LansWith("b", "a"))); diff != "" {
		t.Error(diff)
	}
	if got := load(t, "two-lans.xml").CommandLan().Name; got != "office" {
		t.Errorf("command lan %s", got)
	}
}

func TestLocalNode(t *testing.T) {
	cfg := load(t, "nat.xml")
	for _, tc := range []struct {
		addrs string
		want  ha.NodeName
		err   error
	}{
		{"192.168.1.1 10.9.0.4", "beta", nil},
		{"198.51.100.7", "", ErrNotANode}, // behind NAT only laddr is local
		{"10.8.0.4 10.9.0.4", "", ErrNotANode},
		{"", "", ErrNotANode},
	} {
		var addrs []netip.Addr
		for _, a := range strings.Fields(tc.addrs) {
			addrs = append(addrs, netip.MustParseAddr(a))
		}
		got, err := LocalNode(cfg, addrs)
		if got != tc.want || !errors.Is(err, tc.err) {
			t.Errorf("%q: %q, %v", tc.addrs, got, err)
		}
	}
}

// fakeDNS answers from a map of name to blank-separated addresses.
type fakeDNS map[string]string

func (f fakeDNS) LookupNetIP(_ context.Context, network, host string) ([]netip.Addr, error) {
	var out []netip.Addr
	for _, a := range strings.Fields(f[host]) {
		ip := netip.MustParseAddr(a)
		if network == "ip" || (network == "ip6") == ip.Is6() {
			out = append(out, ip)
		}
	}
	if out == nil {
		return nil, errors.New("no such host")
	}
	return out, nil
}

func TestResolve(t *testing.T) {
	cfg := load(t, "n-to-1.xml")
	out, err := Resolve(t.Context(), "n.xml", cfg, fakeDNS{"b.example.org": "2001:db8::1 10.1.0.7 10.1.0.3"})
	if err != nil {
		t.Fatal(err)
	}
	all, _ := out.Lan("all")
	if b, _ := all.Node("b"); b.Addr != "10.1.0.3" {
		t.Errorf("resolved to %s", b.Addr)
	}
	old, _ := cfg.Lan("all")
	if b, _ := old.Node("b"); b.Addr != "b.example.org" {
		t.Error("the source configuration was changed")
	}
	for dns, want := range map[string]string{
		"":           "n.xml:9: invalid address 'b.example.org' for b on lan all (no such host)",
		"10.1.0.1":   "n.xml:9: address 10.1.0.1 used by a and b on lan all",
		"10.1.0.102": "n.xml:14: address 10.1.0.102 used by b on lan all and by b on lan twin",
	} {
		if _, err := Resolve(t.Context(), "n.xml", cfg, fakeDNS{"b.example.org": dns}); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", dns, err, want)
		}
	}
}

func TestCreate(t *testing.T) {
	src, err := Create([]string{"10.0.0.1", "[2001:db8::1]", "x"})
	if err == nil || !strings.Contains(err.Error(), "mixes") {
		t.Errorf("%s, %v", src, err)
	}
	if _, err := Create([]string{"10.0.0.1"}); err == nil {
		t.Error("one node accepted")
	}
	if _, err := Create([]string{`"/><evil a="`, "10.0.0.1"}); err == nil {
		t.Error("markup accepted")
	}
	src, err = Create([]string{"2001:db8::1", "[2001:db8::2]"})
	if err != nil {
		t.Fatal(err)
	}
	cfg, _, err := Parse("c.xml", src)
	if err != nil || !cmp.Equal(cfg.Nodes(), []ha.NodeName{"server0", "server1"}) || cfg.Lans[0].Name != "default" {
		t.Errorf("%s: %v", src, err)
	}
}

func TestSignature(t *testing.T) {
	a := Signature([]byte("x"), nil)
	if len(a) != 40 || a == Signature([]byte("x"), []byte("k")) || a != Signature([]byte("x"), nil) {
		t.Error(a)
	}
}

func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob(filepath.Join(fixtures, "*", "*.xml"))
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		cfg, _, err := Parse("fuzz", src)
		if err != nil {
			return
		}
		if cfg.CommandLan().Name == "" || len(cfg.Nodes()) < 2 {
			t.Fatal("accepted without a command lan")
		}
		once := Encode(cfg)
		again, _, err := Parse("again", once)
		if err != nil {
			t.Fatalf("%s\nis refused: %v", once, err)
		}
		if twice := Encode(again); string(twice) != string(once) {
			t.Fatalf("%s\nbecame\n%s", once, twice)
		}
	})
}
