package lab

import (
	"strings"
	"testing"
	"time"
)

// TestDeaths kills every kind of process of the product on either side, one
// after the other on one pair (docs/ARCHITECTURE.md, "What does each death
// mean?"). After each the pair is whole again and nothing acknowledged is lost.
func TestDeaths(t *testing.T) {
	p := newPair(t, "tdeath", 5*time.Second)
	for _, tc := range []struct {
		name string
		do   func(*testing.T, *pair)
	}{
		{"daemon", daemonDies},
		{"heartbeat", heartbeatDies},
		{"rfs on the secondary", secondaryReplicaDies},
		{"rfs on the primary", primaryReplicaDies},
		{"supervisor on the secondary", secondarySupervisorDies},
		{"supervisor on the primary", primarySupervisorDies},
	} {
		if !t.Run(tc.name, func(t *testing.T) {
			q := &pair{journey: p.journey, t: t}
			tc.do(t, q)
			prim, _ := q.settled()
			q.writes()
			q.nothingLost(prim)
		}) {
			return // the pair is of no use to the next one
		}
	}
}

// daemonDies: the module goes on, and the next daemon finds its supervisor.
func daemonDies(t *testing.T, p *pair) {
	prim, _ := p.settled()
	before, err := prim.Run(t.Context(), "pgrep", "-f", "-x", ".*safekit supervise "+demoModule)
	p.ok(err)
	p.kill(prim, "KILL", ".*safekit daemon")
	p.writes()
	p.ok(prim.StartDaemon(t.Context()))
	after, err := prim.Run(t.Context(), "pgrep", "-f", "-x", ".*safekit supervise "+demoModule)
	p.ok(err)
	if before != after {
		t.Errorf("supervisor %s became %s", strings.TrimSpace(before), strings.TrimSpace(after))
	}
	if got := p.state(prim); got != "PRIM Ready" {
		t.Errorf("the state became %s", got)
	}
}

// heartbeatDies: it is back before the other node misses it.
func heartbeatDies(t *testing.T, p *pair) {
	prim, second := p.settled()
	for _, n := range []*Node{prim, second} {
		p.kill(n, "KILL", ".*safekit plugin heartbeat")
		p.eventually("a new heartbeat", func() bool {
			_, err := n.Run(t.Context(), "pgrep", "-f", "-x", ".*safekit plugin heartbeat")
			return err == nil
		})
	}
	p.writes()
	out, err := second.Safekit(t.Context(), "log", "-m", demoModule, "-A")
	p.ok(err)
	if strings.Contains(out, "Remote state UNKNOWN") {
		t.Errorf("the death of a heartbeat process was taken for the death of the node:\n%s", out)
	}
	if again, _ := p.settled(); again != prim {
		t.Error("the primary moved")
	}
}

func secondaryReplicaDies(t *testing.T, p *pair) {
	prim, second := p.settled()
	p.kill(second, "KILL", ".*safekit plugin rfs")
	p.eventually("the secondary notices", func() bool { return p.state(second) != "SECOND Ready" })
	if again, _ := p.settled(); again != prim {
		t.Error("the primary moved")
	}
}

func primaryReplicaDies(t *testing.T, p *pair) {
	prim, second := p.settled()
	p.kill(prim, "KILL", ".*safekit plugin rfs")
	p.eventually("the other node takes over", func() bool {
		s := p.state(second)
		return s == "ALONE Ready" || s == "PRIM Ready"
	})
	p.writes()
	p.nothingLost(second)
	p.startIfStopped(prim)
}

func secondarySupervisorDies(t *testing.T, p *pair) {
	prim, second := p.settled()
	p.kill(second, "KILL", ".*safekit supervise "+demoModule)
	p.eventually("the primary notices", func() bool { return p.state(prim) != "PRIM Ready" })
	if again, _ := p.settled(); again != prim {
		t.Error("the primary moved")
	}
}

// primarySupervisorDies: its mount goes with it; the other node takes over or
// it starts again itself, whichever is first to know, and nothing is lost.
func primarySupervisorDies(t *testing.T, p *pair) {
	prim, _ := p.settled()
	p.kill(prim, "KILL", ".*safekit supervise "+demoModule)
	p.eventually("something happens", func() bool { return p.state(prim) != "PRIM Ready" })
	serving, _ := p.settled()
	p.nothingLost(serving)
}

// startIfStopped starts the module where it ended in STOP.
func (p *pair) startIfStopped(n *Node) {
	p.t.Helper()
	p.eventually("it settles", func() bool {
		s := p.state(n)
		return s == "STOP NotReady" || strings.HasSuffix(s, " Ready") || s == "WAIT NotReady"
	})
	if p.state(n) == "STOP NotReady" {
		_, err := n.Safekit(p.t.Context(), "start", "-m", demoModule)
		p.ok(err)
	}
}
