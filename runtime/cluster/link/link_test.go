package link

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/safehold/safehold/runtime/cluster/clusterxml"
	"github.com/safehold/safehold/runtime/cluster/identity"
	"github.com/safehold/safehold/runtime/ha"
)

const patience = 60 * time.Second

func quietLog() logrus.FieldLogger {
	l := logrus.New()
	l.SetOutput(io.Discard)
	return l
}

func authority(t *testing.T) *identity.Authority {
	t.Helper()
	a, err := identity.NewAuthority(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func node(t *testing.T, a *identity.Authority, name ha.NodeName) *identity.Identity {
	t.Helper()
	id, err := identity.New(a, identity.NewKey(time.Now()), name, nil, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func fixed(id *identity.Identity) func() *identity.Identity {
	return func() *identity.Identity { return id }
}

// fixedKey is a password key without the cost of argon2id.
func fixedKey(b byte) func() (PasswordKey, bool) {
	return func() (PasswordKey, bool) { return PasswordKey{b}, b != 0 }
}

// echo answers with the place and the sender of the request.
func echo(place string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, ok := PeerOf(r.Context())
		fmt.Fprintf(w, "%s %s %q %v", place, r.URL.Path, p.Node, ok)
	})
}

// serve runs a server until the end of the test and gives its address.
func serve(t *testing.T, s *Server) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.Log, s.Cluster, s.Commands = quietLog(), echo("cluster"), echo("commands")
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(patience):
			t.Error("Serve did not return")
		}
	})
	return l.Addr().String()
}

type doer interface {
	Do(*http.Request) (*http.Response, error)
}

func ask(t *testing.T, d doer, path string) (int, string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://any"+path, strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := d.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(raw), err
}

func TestPeersOfOneCluster(t *testing.T) {
	a := authority(t)
	addr := serve(t, &Server{Identity: fixed(node(t, a, "beta")), Password: fixedKey(1)})
	d := &Dialer{Identity: fixed(node(t, a, "alpha")), Password: fixedKey(0)}
	c := d.Client("beta", []string{"127.0.0.1:1", addr}) // the first address is dead
	defer c.CloseIdleConnections()
	for path, place := range map[string]string{ClusterPath: "cluster", "/api/v1.0/level": "commands"} {
		code, body, err := ask(t, c, path)
		if err != nil || code != 200 || body != fmt.Sprintf(`%s %s "alpha" true`, place, path) {
			t.Errorf("%d %s %v", code, body, err)
		}
	}
	if _, _, err := ask(t, d.Client("gamma", []string{addr}), "/x"); !errors.Is(err, identity.ErrNotPeer) {
		t.Errorf("beta answered as gamma: %v", err)
	}
	s, err := d.Open(t.Context(), addr, "")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if code, body, err := ask(t, s, "/x"); err != nil || code != 200 || body != `commands /x "alpha" true` {
		t.Errorf("%d %s %v", code, body, err)
	}
}

func TestStrangersAreRefused(t *testing.T) {
	a := authority(t)
	addr := serve(t, &Server{Identity: fixed(node(t, a, "beta")), Password: fixedKey(1)})
	foreign := node(t, authority(t), "alpha")
	strangers := map[string]*tls.Config{
		"no certificate":  {InsecureSkipVerify: true, ServerName: ServerName},
		"foreign cluster": {InsecureSkipVerify: true, ServerName: ServerName, Certificates: foreign.ClientTLS("").Certificates},
		"self-signed":     {InsecureSkipVerify: true, ServerName: ServerName, Certificates: []tls.Certificate{mustSelfSigned(t)}},
	}
	for what, cfg := range strangers {
		c := &http.Client{Transport: &http.Transport{TLSClientConfig: cfg}}
		for _, path := range []string{ClusterPath, "/api/v1.0/level", ProofPath} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+addr+path, strings.NewReader("{}"))
			if err != nil {
				t.Fatal(err)
			}
			resp, err := c.Do(req)
			if err != nil {
				continue // refused in the handshake
			}
			raw, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if resp.StatusCode != http.StatusForbidden || string(raw) != "not authorised\n" {
				t.Errorf("%s got %d %s at %s", what, resp.StatusCode, raw, path)
			}
		}
		c.CloseIdleConnections()
	}
	d := &Dialer{Identity: fixed(foreign), Password: fixedKey(0)}
	if _, err := d.Open(t.Context(), addr, "beta"); !errors.Is(err, ErrNoWay) {
		t.Errorf("no common cluster and no password: %v", err)
	}
}

func mustSelfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	c, err := selfSigned(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestPasswordOpensNewNode(t *testing.T) {
	var id atomic.Pointer[identity.Identity]
	addr := serve(t, &Server{Identity: id.Load, Password: fixedKey(1)})
	d := &Dialer{Identity: fixed(node(t, authority(t), "alpha")), Password: fixedKey(1)}
	s, err := d.Open(t.Context(), addr, "beta")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, path := range []string{"/api/v1.0/level", ClusterPath} {
		if code, body, err := ask(t, s, path); err != nil || code != 200 || !strings.HasSuffix(body, `"" true`) {
			t.Errorf("%d %s %v", code, body, err)
		}
	}
	// From the moment the node is in a cluster the password opens one door only.
	id.Store(node(t, authority(t), "beta"))
	if code, _, err := ask(t, s, ClusterPath); err != nil || code != 200 {
		t.Errorf("cluster configuration by password: %d, %v", code, err)
	}
	if code, _, err := ask(t, s, "/api/v1.0/level"); err != nil || code != 403 {
		t.Errorf("commands by password: %d, %v", code, err)
	}
}

func TestWrongPasswordIsRefusedAndThrottled(t *testing.T) {
	for what, server := range map[string]byte{"another password": 1, "no password": 0} {
		addr := serve(t, &Server{Identity: fixed(nil), Password: fixedKey(server)})
		refused, throttled := 0, 0
		for range freeFailures + 3 {
			_, err := OpenWithPassword(t.Context(), addr, PasswordKey{2})
			switch {
			case errors.Is(err, ErrWrongPassword):
				refused++
			case err != nil && strings.Contains(err.Error(), "too many"):
				throttled++
			default:
				t.Errorf("%s: %v", what, err)
			}
		}
		if refused < freeFailures || throttled == 0 {
			t.Errorf("%s: %d refused, %d throttled", what, refused, throttled)
		}
	}
}

// TestManInTheMiddle ends TLS in between and passes everything through, both
// ways: neither side may come to trust the other.
func TestManInTheMiddle(t *testing.T) {
	var asked atomic.Int32
	server := &Server{Identity: fixed(nil), Password: fixedKey(1)}
	addr := serve(t, server)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{mustSelfSigned(t)}, MinVersion: tls.VersionTLS13})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			asked.Add(1)
			relay(in, addr)
		}
	}()
	defer func() { l.Close(); <-done }()
	if _, err := OpenWithPassword(t.Context(), l.Addr().String(), PasswordKey{1}); !errors.Is(err, ErrWrongPassword) {
		t.Errorf("a proxy passed the proof: %v", err)
	}
	if asked.Load() == 0 {
		t.Error("the proxy was not used")
	}
	s, err := OpenWithPassword(t.Context(), addr, PasswordKey{1})
	if err != nil {
		t.Fatalf("without the proxy: %v", err)
	}
	s.Close()
}

// relay copies both ways between in and a TLS connection of its own.
func relay(in net.Conn, addr string) {
	defer in.Close()
	out, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, ServerName: ServerName})
	if err != nil {
		return
	}
	defer out.Close()
	back := make(chan struct{})
	go func() {
		defer close(back)
		_, _ = io.Copy(in, out)
		in.Close()
	}()
	_, _ = io.Copy(out, in)
	out.Close()
	<-back
}

// TestHostileServer answers the proof without knowing the password: the client
// must not go on.
func TestHostileServer(t *testing.T) {
	for _, answer := range []string{`{"proof":""}`, `{"proof":"00"}`, `{}`, "x", strings.Repeat("x", 2*maxProof)} {
		l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{mustSelfSigned(t)}})
		if err != nil {
			t.Fatal(err)
		}
		h := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, answer) })}
		done := make(chan struct{})
		go func() { defer close(done); _ = h.Serve(l) }()
		if _, err := OpenWithPassword(t.Context(), l.Addr().String(), PasswordKey{1}); err == nil {
			t.Errorf("a server answering %.20q was trusted", answer)
		}
		h.Close()
		<-done
	}
}

func TestConsoleSharesThePort(t *testing.T) {
	a := authority(t)
	addr := serve(t, &Server{Identity: fixed(node(t, a, "beta")), Password: fixedKey(1), Console: &Console{
		TLS: &tls.Config{Certificates: []tls.Certificate{mustSelfSigned(t)}}, Handler: echo("console")}})
	browser := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	defer browser.CloseIdleConnections()
	resp, err := browser.Get("https://" + addr + ClusterPath)
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if string(raw) != "console "+ClusterPath+` "" false` {
		t.Errorf("%s", raw)
	}
	d := &Dialer{Identity: fixed(node(t, a, "alpha")), Password: fixedKey(0)}
	c := d.Client("beta", []string{addr})
	defer c.CloseIdleConnections()
	if code, body, err := ask(t, c, "/x"); err != nil || body != `commands /x "alpha" true` {
		t.Errorf("%d %s %v", code, body, err)
	}
}

func TestAddressesAndTargets(t *testing.T) {
	cfg, _, err := clusterxml.Parse("c", []byte(`<cluster><lans>
	<lan name="x"><node name="a" addr="10.1.0.1"/><node name="b" addr="10.1.0.2"/></lan>
	<lan name="y" command="on"><node name="a" addr="[2001:db8::1]"/><node name="b" addr="[2001:db8::2]"/></lan>
	</lans></cluster>`))
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(Addresses(cfg, "b", 9453)); got != "[[2001:db8::2]:9453 10.1.0.2:9453]" {
		t.Error(got)
	}
	for server, want := range map[string]string{
		"http://h1:9010": "h1:9453", "https://h1": "h1:9453", "https://10.0.0.1:9500": "10.0.0.1:9500",
		"https://[::1]:99": "[::1]:99", "ftp://h": "", "h1": "", "https://h:0": "", "https://h:99999": "",
	} {
		if got, err := Target(server, Port); got != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v", server, got, err)
		}
	}
}
