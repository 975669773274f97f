package lab

import (
	"strconv"
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

// The command lines of the product's processes.
const (
	daemonProcess     = ".*safekit daemon"
	supervisorProcess = ".*safekit supervise " + demoModule
	heartbeatProcess  = ".*safekit plugin heartbeat"
	replicaProcess    = ".*safekit plugin rfs"
)

// daemonDies: the module goes on, and the next daemon finds its supervisor.
func daemonDies(t *testing.T, p *pair) {
	prim, _ := p.settled()
	before := p.pid(prim, supervisorProcess)
	_, err := prim.Run(t.Context(), "kill", "-KILL", strconv.Itoa(p.pid(prim, daemonProcess)))
	p.ok(err)
	p.writes()
	p.ok(prim.StartDaemon(t.Context()))
	if after := p.pid(prim, supervisorProcess); after != before {
		t.Errorf("supervisor %d became %d", before, after)
	}
	if got := p.state(prim); got != "PRIM Ready" {
		t.Errorf("the state became %s", got)
	}
}

// heartbeatDies: it is back before the other node misses it.
func heartbeatDies(t *testing.T, p *pair) {
	prim, second := p.settled()
	for _, n := range []*Node{prim, second} {
		p.kill(n, heartbeatProcess)
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
	p.kill(second, replicaProcess)
	if again, _ := p.settled(); again != prim {
		t.Error("the primary moved")
	}
}

func primaryReplicaDies(t *testing.T, p *pair) {
	prim, second := p.settled()
	p.kill(prim, replicaProcess)
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
	p.kill(second, supervisorProcess)
	if again, _ := p.settled(); again != prim {
		t.Error("the primary moved")
	}
}

// primarySupervisorDies: its mount goes with it; the other node takes over or
// it starts again itself, whichever is first to know, and nothing is lost.
func primarySupervisorDies(_ *testing.T, p *pair) {
	prim, _ := p.settled()
	p.kill(prim, supervisorProcess)
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
