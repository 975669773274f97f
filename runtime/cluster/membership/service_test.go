package membership

import (
	"context"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/safehold/safehold/runtime/cluster/clusterxml"
	"github.com/safehold/safehold/runtime/ha"
)

// patience is how long a condition may take on a busy machine.
const patience = 60 * time.Second

// freePort finds a port that is free for both protocols on the addresses.
func freePort(t *testing.T, addrs ...string) int {
	t.Helper()
next:
	for range 100 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := l.Addr().(*net.TCPAddr).Port
		l.Close()
		for _, a := range addrs {
			at := fmt.Sprintf("%s:%d", a, port)
			tcp, err := net.Listen("tcp", at)
			if err != nil {
				continue next
			}
			tcp.Close()
			udp, err := net.ListenPacket("udp", at)
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

// twoLans is a cluster of alpha and beta on loopback addresses.
func twoLans(t *testing.T) *clusterxml.Config {
	t.Helper()
	port := freePort(t, "127.0.10.1", "127.0.10.2", "127.0.11.1", "127.0.11.2")
	src := fmt.Sprintf(`<cluster><lans port="%d" pulse="50">
	<lan name="one"><node name="alpha" addr="127.0.10.1"/><node name="beta" addr="127.0.10.2"/></lan>
	<lan name="two"><node name="alpha" addr="127.0.11.1"/><node name="beta" addr="127.0.11.2"/></lan>
	</lans></cluster>`, port)
	cfg, _, err := clusterxml.Parse("test", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func key(b byte) *[32]byte { return &[32]byte{b} }

// member is a Service that runs until stop or the end of the test.
type member struct {
	*Service
	stop func()
}

func start(t *testing.T, s *Settings) *member {
	t.Helper()
	log := logrus.New()
	log.SetOutput(io.Discard)
	m := &member{Service: New(log)}
	m.Apply(s)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- m.Serve(ctx) }()
	stopped := false
	m.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(patience):
			t.Error("Serve did not return")
		}
	}
	t.Cleanup(m.stop)
	return m
}

// eventually waits on the service's own change channel.
func (m *member) eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	changes, stop := m.Watch()
	defer stop()
	deadline := time.After(patience)
	for !cond() {
		select {
		case <-changes:
		case <-deadline:
			t.Fatalf("%s: never; nodes %+v", what, m.Nodes())
		}
	}
}

func (m *member) find(node ha.NodeName) (Info, bool) {
	for _, i := range m.Nodes() {
		if i.Node == node {
			return i, true
		}
	}
	return Info{}, false
}

func TestMembersSeeAndLoseEachOther(t *testing.T) {
	cfg := twoLans(t)
	date := time.Date(2026, 3, 2, 8, 15, 40, 0, time.UTC)
	alpha := start(t, &Settings{Config: cfg, Local: "alpha", Signature: "s", Date: date, Key: key(1)})
	if alpha.Reachable("beta") || !alpha.Reachable("alpha") {
		t.Error("alpha must see itself alone")
	}
	beta := start(t, &Settings{Config: cfg, Local: "beta", Signature: "s", Locked: true, Date: date, Key: key(1)})
	beta.UpdateModules([]ModuleInfo{{Name: "kvm1", Mode: ha.Mirror, ID: 1, Signature: "m1", Date: date}})

	alpha.eventually(t, "beta on both lans with its module", func() bool {
		i, ok := alpha.find("beta")
		return ok && i.Reachable && len(i.Lans) == 2 && i.Locked && i.Date.Equal(date) && len(i.Modules) == 1
	})
	beta.eventually(t, "alpha", func() bool { return beta.Reachable("alpha") })
	beta.UpdateModules([]ModuleInfo{{Name: "kvm1", Mode: ha.Mirror, ID: 1, Signature: "m2"}, {Name: "kvm2", ID: 2}})
	alpha.eventually(t, "the new digest of beta", func() bool {
		i, _ := alpha.find("beta")
		return len(i.Modules) == 2 && i.Modules[0].Signature == "m2"
	})

	beta.stop()
	alpha.eventually(t, "loss of beta", func() bool { return !alpha.Reachable("beta") && len(alpha.Nodes()) == 1 })
	beta = start(t, &Settings{Config: cfg, Local: "beta", Signature: "s", Key: key(1)})
	alpha.eventually(t, "return of beta", func() bool { return alpha.Reachable("beta") })
}

func TestOneLanIsEnough(t *testing.T) {
	cfg := twoLans(t)
	half := *cfg
	half.Lans = cfg.Lans[1:]
	alpha := start(t, &Settings{Config: cfg, Local: "alpha", Signature: "s", Key: key(1)})
	beta := start(t, &Settings{Config: &half, Local: "beta", Signature: "s", Key: key(1)})
	alpha.eventually(t, "beta on lan two", func() bool {
		i, ok := alpha.find("beta")
		return ok && i.Reachable && len(i.Lans) == 1 && i.Lans[0] == "two"
	})
	// beta gets the first lan as well, then loses the second one.
	beta.Apply(&Settings{Config: cfg, Local: "beta", Signature: "s", Key: key(1)})
	alpha.eventually(t, "beta on both lans", func() bool {
		i, _ := alpha.find("beta")
		return len(i.Lans) == 2
	})
	first := *cfg
	first.Lans = cfg.Lans[:1]
	beta.Apply(&Settings{Config: &first, Local: "beta", Signature: "s", Key: key(1)})
	alpha.eventually(t, "beta on lan one", func() bool {
		i, ok := alpha.find("beta")
		return ok && i.Reachable && len(i.Lans) == 1 && i.Lans[0] == "one"
	})
}

func TestOtherSignatureIsListedAndExcluded(t *testing.T) {
	cfg := twoLans(t)
	alpha := start(t, &Settings{Config: cfg, Local: "alpha", Signature: "one", Key: key(1)})
	beta := start(t, &Settings{Config: cfg, Local: "beta", Signature: "two", Key: key(1)})
	alpha.eventually(t, "beta listed", func() bool {
		i, ok := alpha.find("beta")
		return ok && i.Signature == "two" && !i.Reachable
	})
	if alpha.Reachable("beta") {
		t.Error("a node with another configuration is reachable")
	}
	beta.Apply(&Settings{Config: cfg, Local: "beta", Signature: "one", Key: key(1)})
	alpha.eventually(t, "beta after it was configured alike", func() bool { return alpha.Reachable("beta") })
	beta.Apply(nil)
	alpha.eventually(t, "loss of beta", func() bool { return len(alpha.Nodes()) == 1 })
	if beta.Nodes() != nil || beta.Reachable("beta") {
		t.Error("a node without configuration sees a cluster")
	}
}

// TestOtherKeyIsInvisible proves it by the third node, which sees both: by
// then the first two had as much time.
func TestOtherKeyIsInvisible(t *testing.T) {
	port := freePort(t, "127.0.12.1", "127.0.12.2", "127.0.12.3")
	src := fmt.Sprintf(`<cluster><lans port="%d" pulse="50"><lan name="one"><node name="alpha" addr="127.0.12.1"/>
	<node name="beta" addr="127.0.12.2"/><node name="gamma" addr="127.0.12.3"/></lan></lans></cluster>`, port)
	cfg, _, err := clusterxml.Parse("test", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	foreign := start(t, &Settings{Config: cfg, Local: "beta", Signature: "s", Key: key(2)})
	alpha := start(t, &Settings{Config: cfg, Local: "alpha", Signature: "s", Key: key(1)})
	gamma := start(t, &Settings{Config: cfg, Local: "gamma", Signature: "s", Key: key(1)})
	alpha.eventually(t, "gamma", func() bool { return alpha.Reachable("gamma") })
	gamma.eventually(t, "alpha", func() bool { return gamma.Reachable("alpha") })
	if len(foreign.Nodes()) != 1 || len(alpha.Nodes()) != 2 || len(gamma.Nodes()) != 2 {
		t.Errorf("another key was heard: %+v %+v", foreign.Nodes(), alpha.Nodes())
	}
	foreign.Apply(&Settings{Config: cfg, Local: "beta", Signature: "s", Key: key(1)})
	alpha.eventually(t, "beta with the right key", func() bool { return alpha.Reachable("beta") })
}

func TestLockKeepsSockets(t *testing.T) {
	cfg := twoLans(t)
	alpha := start(t, &Settings{Config: cfg, Local: "alpha", Signature: "s", Key: key(1)})
	beta := start(t, &Settings{Config: cfg, Local: "beta", Signature: "s", Key: key(1)})
	alpha.eventually(t, "beta", func() bool { return alpha.Reachable("beta") })
	beta.Apply(&Settings{Config: cfg, Local: "beta", Signature: "s", Locked: true, Key: key(1)})
	beta.mu.Lock()
	round := beta.round
	beta.mu.Unlock()
	if round != 1 {
		t.Errorf("the sockets were replaced: round %d", round)
	}
	alpha.eventually(t, "the lock of beta", func() bool {
		i, _ := alpha.find("beta")
		return i.Locked
	})
}
