package cluster

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"net/http"

	"github.com/safehold/safehold/runtime/cluster/clusterxml"
	"github.com/safehold/safehold/runtime/cluster/link"
	"github.com/safehold/safehold/runtime/cluster/membership"
	"github.com/safehold/safehold/runtime/ha"
)

const patience = 60 * time.Second

// testNode is one node: manager, membership and link on a loopback address.
type testNode struct {
	*Manager
	dialer *link.Dialer
	addr   string
}

// freePort finds a port free for both protocols on the addresses.
func freePort(t *testing.T, addrs ...string) int {
	t.Helper()
next:
	for range 100 {
		probe, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := probe.Addr().(*net.TCPAddr).Port
		probe.Close()
		for _, a := range addrs {
			tcp, err := net.Listen("tcp", fmt.Sprintf("%s:%d", a, port))
			if err != nil {
				continue next
			}
			tcp.Close()
			udp, err := net.ListenPacket("udp", fmt.Sprintf("%s:%d", a, port))
			if err != nil {
				continue next
			}
			udp.Close()
		}
		return port
	}
	t.Fatal("no free port")
	return 0
}

func startNode(t *testing.T, addr string, port int, password byte) *testNode {
	t.Helper()
	members := membership.New(quietLog())
	o := options(filepath.Join(t.TempDir(), "cluster"), addr)
	o.Membership = members
	m := open(t, o)
	key := func() (link.PasswordKey, bool) { return link.PasswordKey{password}, password != 0 }
	server := &link.Server{Identity: m.Identity, Password: key, Cluster: m.Handler(), Commands: http.NotFoundHandler(), Log: quietLog()}
	l, err := net.Listen("tcp", fmt.Sprintf("%s:%d", addr, port))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 2)
	go func() { done <- server.Serve(ctx, l) }()
	go func() { done <- members.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		for range 2 {
			select {
			case err := <-done:
				if err != nil {
					t.Error(err)
				}
			case <-time.After(patience):
				t.Error("a service did not return")
			}
		}
	})
	return &testNode{Manager: m, dialer: &link.Dialer{Identity: m.Identity, Password: key}, addr: addr}
}

// eventually waits until cond holds, looking again after each change that the
// node's membership notices.
func (n *testNode) eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	changes, stop := n.Membership.Watch()
	defer stop()
	deadline := time.After(patience)
	for !cond() {
		select {
		case <-changes:
		case <-deadline:
			t.Fatalf("%s: never; %+v", what, n.Membership.Nodes())
		}
	}
}

func (n *testNode) distribute(t *testing.T, port int) map[ha.NodeName]error {
	t.Helper()
	results, err := n.Distribute(t.Context(), n.dialer, port)
	if err != nil {
		t.Fatal(err)
	}
	out := map[ha.NodeName]error{}
	for _, r := range results {
		out[r.Node] = r.Err
	}
	return out
}

func fine(t *testing.T, results map[ha.NodeName]error) {
	t.Helper()
	for node, err := range results {
		if err != nil {
			t.Errorf("%s: %v", node, err)
		}
	}
}

// agree waits until both nodes see each other with one signature.
func agree(t *testing.T, alpha, beta *testNode) {
	t.Helper()
	alpha.eventually(t, "alpha sees beta", func() bool { return alpha.Membership.Reachable("beta") })
	beta.eventually(t, "beta sees alpha", func() bool { return beta.Membership.Reachable("alpha") })
	if a, b := alpha.Active().Signature, beta.Active().Signature; a != b {
		t.Errorf("signatures %s and %s", a, b)
	}
}

func testXML(port int, addrs ...string) string {
	names := []string{"alpha", "beta"}
	var nodes strings.Builder
	for i, a := range addrs {
		fmt.Fprintf(&nodes, `<node name="%s" addr="%s"/>`, names[i], a)
	}
	return fmt.Sprintf(`<cluster><lans port="%d" pulse="50"><lan name="one">%s</lan></lans></cluster>`, port, nodes.String())
}

func TestLifeOfACluster(t *testing.T) {
	const a, b = "127.0.30.1", "127.0.30.2"
	port, mport := freePort(t, a, b), freePort(t, a, b)
	alpha, beta := startNode(t, a, port, 1), startNode(t, b, port, 1)

	// A new cluster: beta is reached with the password.
	configure(t, alpha.Manager, testXML(mport, a, b), NoLock)
	fine(t, alpha.distribute(t, port))
	agree(t, alpha, beta)
	if beta.Active().Node != "beta" {
		t.Errorf("beta became %s", beta.Active().Node)
	}
	beta.Membership.UpdateModules([]membership.ModuleInfo{{Name: "kvm1", Mode: ha.Mirror, ID: 1}})
	alpha.eventually(t, "beta's module", func() bool {
		rows, err := alpha.State()
		return err == nil && len(rows) == 1 && rows[0].Node == "beta" && rows[0].Module.Name == "kvm1"
	})
	if rows, missing, err := alpha.Confinfo(); err != nil || len(rows) != 2 || len(missing) != 0 {
		t.Errorf("confinfo: %+v %v %v", rows, missing, err)
	}

	// A new key by genkey changes nothing before the distribution, which now
	// goes by certificate: no password is needed any more.
	alpha.dialer.Password = func() (link.PasswordKey, bool) { return link.PasswordKey{}, false }
	before := alpha.Active().Signature
	if err := alpha.GenKey(); err != nil || alpha.Active().Signature != before {
		t.Errorf("genkey: %v", err)
	}
	fine(t, alpha.distribute(t, port))
	agree(t, alpha, beta)
	if alpha.Active().Signature == before {
		t.Error("the new key is not in force")
	}

	// Encryption off and on again.
	if err := beta.DelKey(); err != nil {
		t.Fatal(err)
	}
	fine(t, beta.distribute(t, port))
	agree(t, alpha, beta)
	if alpha.Active().Identity.Key.Encrypt {
		t.Error("encryption is still on")
	}

	// config makes new keys on one node: the other is lost until it gets them.
	configure(t, alpha.Manager, testXML(mport, a, b), NoLock)
	alpha.eventually(t, "loss of beta", func() bool { return !alpha.Membership.Reachable("beta") })
	if _, missing, err := alpha.Confinfo(); err != nil || len(missing) != 1 || missing[0] != "beta" {
		t.Errorf("missing %v, %v", missing, err)
	}
	fine(t, alpha.distribute(t, port))
	agree(t, alpha, beta)

	// A locked node refuses, and says so.
	if _, err := beta.Config(t.Context(), Input{}, SetLock); err != nil {
		t.Fatal(err)
	}
	if err := alpha.distribute(t, port)["beta"]; err == nil || err.Error() != ErrLocked.Error() {
		t.Errorf("locked: %v", err)
	}
}

func TestDistributionRefused(t *testing.T) {
	const a, b, c = "127.0.31.1", "127.0.31.2", "127.0.31.3"
	port, mport := freePort(t, a, b, c), freePort(t, a, b, c)
	alpha, beta := startNode(t, a, port, 1), startNode(t, b, port, 2)
	configure(t, alpha.Manager, testXML(mport, a, b), NoLock)
	if err := alpha.distribute(t, port)["beta"]; err == nil || !strings.Contains(err.Error(), link.ErrWrongPassword.Error()) {
		t.Errorf("another password: %v", err)
	}
	if beta.Active() != nil {
		t.Error("beta took a configuration it must not")
	}
	// The machine at beta's address says it is not a node (C12).
	other := startNode(t, c, port, 1)
	bundle, err := alpha.Bundle()
	if err != nil {
		t.Fatal(err)
	}
	err = send(t.Context(), alpha.dialer, []string{fmt.Sprintf("%s:%d", c, port)}, bundle)
	if err == nil || err.Error() != clusterxml.ErrNotANode.Error() || other.Active() != nil {
		t.Errorf("not a node: %v", err)
	}
}

// TestRejoin moves a node from another cluster: its certificates are foreign,
// so the password decides.
func TestRejoin(t *testing.T) {
	const a, b = "127.0.32.1", "127.0.32.2"
	port, mport := freePort(t, a, b), freePort(t, a, b)
	alpha, beta := startNode(t, a, port, 1), startNode(t, b, port, 1)
	configure(t, alpha.Manager, testXML(mport, a, b), NoLock)
	configure(t, beta.Manager, testXML(mport, a, b), NoLock)
	if alpha.Active().Identity.Authority.ID() == beta.Active().Identity.Authority.ID() {
		t.Fatal("two clusters have one authority")
	}
	fine(t, alpha.distribute(t, port))
	agree(t, alpha, beta)
}
