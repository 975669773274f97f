package rfs

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/safehold/safehold/plugins/api"
	"github.com/safehold/safehold/plugins/rfs/fuse"
	"github.com/safehold/safehold/runtime/ha"
)

// patience is how long a test waits for something that must happen.
const patience = 60 * time.Second

// node is one replicator with its directory.
type node struct {
	t     testing.TB
	name  ha.NodeName
	dir   string // what users see
	state string
	cfg   api.ReplicationConfig
	rep   api.Replicator
	inner *Replicator // rep, unless it lives in a process of its own
	child *child      // that process

	mu     sync.Mutex // guards events
	events []api.DataEvent
}

// pair makes two nodes that know each other. Their directories are "the same
// path" to the replicators only by name: each node has its own parent folder.
func pair(t testing.TB, tune ...func(*api.ReplicationConfig)) (*node, *node) {
	t.Helper()
	a, b := stopped(t, tune...)
	a.start()
	b.start()
	return a, b
}

// stopped makes two nodes that were never started.
func stopped(t testing.TB, tune ...func(*api.ReplicationConfig)) (*node, *node) {
	t.Helper()
	base := t.TempDir()
	ca := newAuthority(t, base)
	a, b := newNode(t, base, ca, "a", "b"), newNode(t, base, ca, "b", "a")
	a.cfg.Listen, b.cfg.Listen = freePort(t), freePort(t)
	a.cfg.PeerAddr, b.cfg.PeerAddr = b.cfg.Listen, a.cfg.Listen
	for _, n := range []*node{a, b} {
		for _, f := range tune {
			f(&n.cfg)
		}
	}
	return a, b
}

func newNode(t testing.TB, base string, ca *authority, name, other ha.NodeName) *node {
	t.Helper()
	n := &node{t: t, name: name, dir: filepath.Join(base, string(name), "data"), state: filepath.Join(base, string(name), "state")}
	if err := os.MkdirAll(n.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	cert, key := ca.issue(t, base, string(name))
	n.cfg = api.ReplicationConfig{Module: "m", Local: name, Peer: other, StateDir: n.state, CertFile: cert, KeyFile: key, CAFile: ca.file,
		Dirs: []api.ReplicatedDir{{Path: n.dir}}, SendTimeout: 20 * time.Second, LockTimeout: 20 * time.Second, ZoneResync: true,
		Tuning: api.ReplicationTuning{ResyncThreads: 3}}
	return n
}

// start begins a new life of the node, as after a crash or a restart.
func (n *node) start() {
	n.t.Helper()
	if n.child != nil {
		n.child = startChild(n.t)
		n.rep, n.inner = n.child, nil
	} else {
		n.inner = New(testLogger(string(n.name))).(*Replicator)
		n.rep = n.inner
	}
	if err := n.rep.Configure(context.Background(), n.cfg); err != nil {
		n.t.Fatalf("%s: %v", n.name, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	events, err := n.rep.Watch(ctx)
	if err != nil {
		n.t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for e := range events {
			n.mu.Lock()
			n.events = append(n.events, e)
			n.mu.Unlock()
		}
	}()
	rep := n.rep
	n.t.Cleanup(func() {
		if c, ok := rep.(*child); ok {
			c.kill()
			<-done
			_, _ = fuse.Detach(n.dir)
			return
		}
		cancel()
		<-done
		limited, stop := context.WithTimeout(context.Background(), patience)
		defer stop()
		_ = rep.Assign(limited, api.Assignment{Role: api.DataIdle, Epoch: 1 << 60})
		_, _ = fuse.Detach(n.dir)
	})
}

// testLogger logs to standard error when RFS_TEST_LOG is set.
func testLogger(name string) logrus.FieldLogger {
	log := logrus.New()
	log.SetOutput(io.Discard)
	if os.Getenv("RFS_TEST_LOG") != "" {
		log.SetOutput(os.Stderr)
	}
	return log.WithField("node", name)
}

func (n *node) assign(a api.Assignment) {
	n.t.Helper()
	if err := n.tryAssign(a); err != nil {
		n.t.Fatalf("%s: %v", n.name, err)
	}
}

func (n *node) tryAssign(a api.Assignment) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return n.rep.Assign(ctx, a)
}

func (n *node) alone(epoch uint64) ha.Generation {
	n.t.Helper()
	g := randomGeneration()
	n.assign(api.Assignment{Role: api.DataPrimary, Epoch: epoch, Generation: g})
	return g
}

func (n *node) second(epoch uint64) {
	n.t.Helper()
	n.assign(api.Assignment{Role: api.DataSecondary, Epoch: epoch})
}

func (n *node) idle(epoch uint64) {
	n.t.Helper()
	n.assign(api.Assignment{Role: api.DataIdle, Epoch: epoch})
}

func (n *node) facts() api.DataFacts {
	n.t.Helper()
	f, err := n.rep.Facts(context.Background())
	if err != nil {
		n.t.Fatal(err)
	}
	return f
}

// forget drops the events seen so far, so that wait sees later ones only.
func (n *node) forget() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.events = nil
}

// wait waits for an event of that kind.
func (n *node) wait(k api.DataEventKind) api.DataEvent {
	n.t.Helper()
	var found api.DataEvent
	until(n.t, fmt.Sprintf("%s: event %d", n.name, k), func() bool {
		n.mu.Lock()
		defer n.mu.Unlock()
		i := slices.IndexFunc(n.events, func(e api.DataEvent) bool { return e.Kind == k })
		if i >= 0 {
			found = n.events[i]
		}
		return i >= 0
	})
	return found
}

func (n *node) saw(k api.DataEventKind) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.ContainsFunc(n.events, func(e api.DataEvent) bool { return e.Kind == k })
}

func (n *node) path(rel ...string) string { return filepath.Join(append([]string{n.dir}, rel...)...) }

func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// together makes a primary and b its equal secondary.
func together(t testing.TB, a, b *node) {
	t.Helper()
	a.alone(1)
	b.second(1)
	b.wait(api.SyncDone)
	a.wait(api.PeerReady)
}

func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string
}

func newAuthority(t testing.TB, dir string) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ca"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, tpl, tpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, _ := x509.ParseCertificate(der)
	file := filepath.Join(dir, fmt.Sprintf("ca-%d.pem", time.Now().UnixNano()))
	writePEM(t, file, "CERTIFICATE", der)
	return &authority{cert, key, file}
}

func (a *authority) issue(t testing.TB, dir, name string) (string, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tpl := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), URIs: []*url.URL{{Scheme: "safehold", Host: "cluster", Path: "/c/node/" + name}}}
	der, err := x509.CreateCertificate(rand.Reader, tpl, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	kder, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	cert, keyFile := filepath.Join(dir, name+".pem"), filepath.Join(dir, name+".key")
	writePEM(t, cert, "CERTIFICATE", der)
	writePEM(t, keyFile, "EC PRIVATE KEY", kder)
	return cert, keyFile
}

func writePEM(t testing.TB, file, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

// cable is the connection from a secondary to a primary, to be frozen or cut.
type cable struct {
	mu     sync.Mutex // guards everything below
	frozen chan struct{}
	conns  []net.Conn
}

// between puts a cable between a primary and its secondary.
func between(t testing.TB, p, s *node) *cable {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	c := &cable{frozen: make(chan struct{})}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			in, err := ln.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", p.cfg.Listen)
			if err != nil {
				in.Close()
				continue
			}
			c.mu.Lock()
			c.conns = append(c.conns, in, out)
			c.mu.Unlock()
			wg.Go(func() { c.carry(in, out) })
			wg.Go(func() { c.carry(out, in) })
		}
	})
	t.Cleanup(func() {
		ln.Close()
		c.cut()
		wg.Wait()
	})
	s.cfg.PeerAddr = ln.Addr().String()
	if s.inner != nil {
		s.inner.mu.Lock()
		s.inner.cfg.PeerAddr = s.cfg.PeerAddr
		s.inner.mu.Unlock()
	}
	return c
}

func (c *cable) carry(to, from net.Conn) {
	defer to.Close()
	buf := make([]byte, 4096)
	for {
		n, err := from.Read(buf)
		select {
		case <-c.frozen:
			for err == nil { // bytes vanish
				_, err = from.Read(buf)
			}
		default:
		}
		if err != nil {
			return
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}

// freeze lets every byte vanish from now on.
func (c *cable) freeze() { close(c.frozen) }

// cut breaks all connections.
func (c *cable) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, x := range c.conns {
		x.Close()
	}
	c.conns = nil
}
