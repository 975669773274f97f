package identity

import (
	"crypto/tls"
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/safehold/safehold/runtime/ha"
)

func authority(t *testing.T) *Authority {
	t.Helper()
	a, err := NewAuthority(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func node(t *testing.T, a *Authority, name ha.NodeName) *Identity {
	t.Helper()
	i, err := New(a, NewKey(time.Now()), name, []netip.Addr{netip.MustParseAddr("127.0.0.1")}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// handshake joins a server and a client over a loopback connection and
// returns the name the server saw and both errors.
func handshake(t *testing.T, server, client *tls.Config, who *Identity) (ha.NodeName, error, error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	type result struct {
		name ha.NodeName
		err  error
	}
	done := make(chan result, 1)
	go func() {
		raw, err := l.Accept()
		if err != nil {
			done <- result{err: err}
			return
		}
		defer raw.Close()
		c := tls.Server(raw, server)
		if err := c.HandshakeContext(t.Context()); err != nil {
			done <- result{err: err}
			return
		}
		name, err := who.PeerName(c.ConnectionState())
		_, _ = c.Write([]byte("x"))
		done <- result{name, err}
	}()
	c, err := tls.Dial("tcp", l.Addr().String(), client)
	if err == nil {
		_, err = c.Read(make([]byte, 1)) // TLS 1.3 tells a refused client only when it reads
		c.Close()
	}
	r := <-done
	return r.name, r.err, err
}

func TestMutualTLS(t *testing.T) {
	a := authority(t)
	alpha, beta, foreign := node(t, a, "alpha"), node(t, a, "beta"), node(t, authority(t), "beta")
	name, serr, cerr := handshake(t, alpha.ServerTLS(), beta.ClientTLS("alpha"), alpha)
	if name != "beta" || serr != nil || cerr != nil {
		t.Errorf("good peers: %q, %v, %v", name, serr, cerr)
	}
	for what, c := range map[string]*tls.Config{
		"no certificate":  {InsecureSkipVerify: true},
		"foreign cluster": {InsecureSkipVerify: true, Certificates: foreign.ClientTLS("").Certificates},
		"TLS 1.2":         {InsecureSkipVerify: true, Certificates: beta.ClientTLS("").Certificates, MaxVersion: tls.VersionTLS12},
	} {
		if _, serr, cerr := handshake(t, alpha.ServerTLS(), c, alpha); serr == nil || cerr == nil {
			t.Errorf("%s accepted: %v, %v", what, serr, cerr)
		}
	}
	if _, _, cerr := handshake(t, foreign.ServerTLS(), alpha.ClientTLS("beta"), foreign); !errors.Is(cerr, ErrNotPeer) {
		t.Errorf("server of a foreign cluster: %v", cerr)
	}
	if _, _, cerr := handshake(t, beta.ServerTLS(), alpha.ClientTLS("gamma"), beta); !errors.Is(cerr, ErrNotPeer) {
		t.Errorf("another node of the cluster: %v", cerr)
	}
}

func TestNodeCertificateIsNoAuthority(t *testing.T) {
	a := authority(t)
	alpha := node(t, a, "alpha")
	if _, err := ParseAuthority(alpha.certPEM, alpha.keyPEM); err == nil {
		t.Error("a node certificate became an authority")
	}
	cert, _ := a.PEM()
	_, otherKey := authority(t).PEM()
	if _, err := ParseAuthority(cert, otherKey); err == nil {
		t.Error("a foreign key was accepted")
	}
}

func TestSaveAndLoad(t *testing.T) {
	dir := t.TempDir()
	if _, err := Load(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("empty folder: %v", err)
	}
	i := node(t, authority(t), "alpha")
	files, err := i.Files()
	if err != nil {
		t.Fatal(err)
	}
	for name, raw := range files {
		if err := os.WriteFile(filepath.Join(dir, name), raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := Load(dir)
	if err != nil || got.Node != "alpha" || got.Authority.ID() != i.Authority.ID() || !cmp.Equal(got.Key, i.Key) {
		t.Errorf("%+v, %v", got, err)
	}
	if err := os.WriteFile(filepath.Join(dir, KeyFile), []byte(`{"secret":"AAAA"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(dir); err == nil {
		t.Error("short key accepted")
	}
}

func TestClockNeverSet(t *testing.T) {
	a, err := NewAuthority(time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	if a.cert.NotAfter.Year() < 2046 || a.cert.NotBefore.Year() > 1970 {
		t.Errorf("valid from %v to %v", a.cert.NotBefore, a.cert.NotAfter)
	}
}

func TestSubkeys(t *testing.T) {
	k := NewKey(time.Now())
	one, err := k.Subkey("memberlist")
	if err != nil {
		t.Fatal(err)
	}
	two, _ := k.Subkey("heartbeat/kvm1")
	again, _ := k.Plain().Subkey("memberlist")
	other, _ := NewKey(time.Now()).Subkey("memberlist")
	if one == two || one != again || one == other {
		t.Error("subkeys are not one per secret and purpose")
	}
	if k.Signed() == nil || k.Plain().Signed() != nil {
		t.Error("the signature must tell encryption from none")
	}
}

func TestModuleKey(t *testing.T) {
	dir := t.TempDir()
	if _, ok, err := LoadModuleKey(dir); ok || err != nil {
		t.Errorf("no key: %v, %v", ok, err)
	}
	k, err := GenModuleKey(dir)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, ModuleKeyFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	got, ok, err := LoadModuleKey(dir)
	if got != k || !ok || err != nil || len(k.Fingerprint()) != 16 {
		t.Errorf("%v, %v, %s", ok, err, k.Fingerprint())
	}
	if next, _ := GenModuleKey(dir); next == k || next.Fingerprint() == k.Fingerprint() {
		t.Error("the key was not renewed")
	}
	for range 2 {
		if err := DelModuleKey(dir); err != nil {
			t.Error(err)
		}
	}
	for _, bad := range []string{"", "abc", "zz" + string(make([]byte, 62)), string(make([]byte, 200))} {
		if err := os.WriteFile(filepath.Join(dir, ModuleKeyFile), []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := LoadModuleKey(dir); err == nil {
			t.Errorf("%q accepted", bad)
		}
	}
}
