package lab

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// patience bounds a wait for something that must come, on a busy machine.
const patience = 2 * time.Minute

// product is the folder that `make build` fills.
func product(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../../build")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"safekit", "lab"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Fatalf("%v: run make build first", err)
		}
	}
	return dir
}

// newLab makes two nodes that are cleaned up whatever happens.
func newLab(t *testing.T, id string) *Lab {
	t.Helper()
	dir := filepath.Join("/var/tmp", fmt.Sprintf("safehold-%s-%d", id, os.Getpid()))
	l, err := New(t.Context(), Options{Dir: dir, ID: id, Product: product(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if t.Failed() {
			for _, n := range l.Nodes {
				tell(ctx, t, n)
			}
		}
		if err := l.Close(ctx); err != nil {
			t.Errorf("close the lab: %v", err)
		}
	})
	return l
}

// tell logs what a node knows, for a test that failed.
func tell(ctx context.Context, t *testing.T, n *Node) {
	t.Helper()
	if !n.Running() {
		t.Logf("%s: no power", n.Name)
		return
	}
	for _, args := range [][]string{{"explain", "-m", demoModule}, {"log", "-m", demoModule, "-A", "-s", "80"}} {
		out, err := n.Safekit(ctx, args...)
		t.Logf("%s: safekit %s (%v)\n%s", n.Name, strings.Join(args, " "), err, out)
	}
	for _, file := range []string{"/var/safekit/daemon.out", "/var/safekit/modules/" + demoModule + "/supervisor.out"} {
		out, err := n.Run(ctx, "tail", "-n", "40", file)
		t.Logf("%s: %s (%v)\n%s", n.Name, file, err, out)
	}
}

// pair is a module running as PRIM on node 1 and SECOND on node 2.
type pair struct {
	*journey
	t *testing.T
}

func newPair(t *testing.T, id string, timeout time.Duration) *pair {
	t.Helper()
	l := newLab(t, id)
	p := &pair{t: t, journey: &journey{lab: l, story: NewStory(t.Output(), time.Now), one: l.Nodes[0], two: l.Nodes[1]}}
	p.ok(l.FormCluster(t.Context()))
	p.ok(l.DeployWriter(t.Context(), demoModule, timeout))
	p.ok(p.first(t.Context()))
	p.ok(p.join(t.Context()))
	return p
}

func (p *pair) ok(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// reach waits for the state of the module on a node.
func (p *pair) reach(n *Node, state string) {
	p.t.Helper()
	p.ok(n.WaitState(p.t.Context(), demoModule, state))
}

// eventually waits until the check holds.
func (p *pair) eventually(what string, holds func() bool) {
	p.t.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			p.t.Fatalf("never: %s", what)
		}
	}
}

// state is the word of the module's state on a node, "" when it does not say.
func (p *pair) state(n *Node) string {
	out, err := n.Safekit(p.t.Context(), "get", "-m", demoModule, "-r", "state.local")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(out)
}

// pid is the one process of a node whose whole command line matches; 0 when
// there is none.
func (p *pair) pid(n *Node, words string) int {
	p.t.Helper()
	out, err := n.Run(p.t.Context(), "sh", "-c", "pgrep -f -x '"+words+"' || true")
	p.ok(err)
	fields := strings.Fields(out)
	if len(fields) == 0 {
		return 0
	}
	if len(fields) > 1 {
		p.t.Fatalf("%s: %d processes match %q", n.Name, len(fields), words)
	}
	pid, err := strconv.Atoi(fields[0])
	p.ok(err)
	return pid
}

// kill kills that process and waits until another one is in its place.
func (p *pair) kill(n *Node, words string) {
	p.t.Helper()
	old := p.pid(n, words)
	if old == 0 {
		p.t.Fatalf("%s: no process matches %q", n.Name, words)
	}
	_, err := n.Run(p.t.Context(), "kill", "-KILL", strconv.Itoa(old))
	p.ok(err)
	p.eventually("another process in the place of "+words, func() bool {
		pid := p.pid(n, words)
		return pid != 0 && pid != old
	})
}

// settled waits until one node is PRIM and the other SECOND, and gives them in that order.
func (p *pair) settled() (prim, second *Node) {
	p.t.Helper()
	p.eventually("PRIM Ready and SECOND Ready", func() bool {
		a, b := p.state(p.one), p.state(p.two)
		switch {
		case a == "PRIM Ready" && b == "SECOND Ready":
			prim, second = p.one, p.two
		case b == "PRIM Ready" && a == "SECOND Ready":
			prim, second = p.two, p.one
		default:
			return false
		}
		return true
	})
	return prim, second
}

// nothingLost checks that every record the client was told of is on the node
// that serves now.
func (p *pair) nothingLost(serving *Node) {
	p.t.Helper()
	acked, err := Numbers(p.lab.Acks(demoModule))
	p.ok(err)
	kept, err := p.records(p.t.Context(), serving)
	p.ok(err)
	if missing := Missing(acked, kept); len(missing) > 0 {
		p.t.Errorf("%d of %d acknowledged records are missing on %s, the first is %d", len(missing), len(acked), serving.Name, missing[0])
	}
}

// writes waits until the application goes on writing.
func (p *pair) writes() {
	p.t.Helper()
	_, err := p.wroteMore(p.t.Context(), 20)
	p.ok(err)
}
