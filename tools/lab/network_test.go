package lab

import (
	"strings"
	"testing"
	"time"
)

// TestSplitBrain: every network is cut, both nodes serve; when they hear each
// other again the former primary stays and the other one gives way.
func TestSplitBrain(t *testing.T) {
	p := newPair(t, "tsplit", 2*time.Second)
	p.ok(p.two.Cut(t.Context()))
	p.reach(p.one, "ALONE")
	p.reach(p.two, "ALONE")
	p.ok(p.two.Heal(t.Context()))
	prim, second := p.settled()
	if prim != p.one {
		t.Errorf("%s is primary, want the former one, %s", prim.Name, p.one.Name)
	}
	for n, want := range map[*Node]string{p.one: "Split brain recovery: staying alone", p.two: "Split brain recovery: exiting alone"} {
		out, err := n.Safekit(t.Context(), "log", "-m", demoModule, "-A", "-s", "1000")
		p.ok(err)
		if !strings.Contains(out, want) {
			t.Errorf("%s does not log %q", n.Name, want)
		}
	}
	rescued, err := second.Run(t.Context(), "find", "/var/safekit/modules/"+demoModule+"/rfs/rescue", "-type", "f")
	p.ok(err)
	if strings.TrimSpace(rescued) == "" {
		t.Error("what the loser wrote apart is not in its rescue area")
	}
}

// TestOneNetworkOfTwo: the network without replication may go and come.
func TestOneNetworkOfTwo(t *testing.T) {
	p := newPair(t, "tone", 2*time.Second)
	p.ok(p.two.Cut(t.Context(), Office))
	p.eventually("heartbeat.office is down", func() bool {
		out, err := p.one.Safekit(t.Context(), "get", "-m", demoModule, "-r", "heartbeat.office")
		return err == nil && strings.TrimSpace(out) == "down"
	})
	p.writes()
	if prim, _ := p.settled(); prim != p.one {
		t.Error("the primary moved")
	}
	p.ok(p.two.Heal(t.Context(), Office))
	p.ok(p.two.Cut(t.Context(), Xlink)) // the one that carries replication
	p.reach(p.one, "ALONE")
	p.writes()
	p.eventually("the secondary does not trust its copy", func() bool { return p.state(p.two) == "WAIT NotReady" })
	p.ok(p.two.Heal(t.Context(), Xlink))
	prim, _ := p.settled()
	p.nothingLost(prim)
	if prim != p.one {
		t.Error("the primary moved")
	}
}

// TestBothLosePower: both nodes at once, in the middle of writing.
func TestBothLosePower(t *testing.T) {
	p := newPair(t, "tboth", 2*time.Second)
	p.writes()
	p.ok(p.two.PowerCut(t.Context()))
	p.ok(p.one.PowerCut(t.Context()))
	for _, n := range p.lab.Nodes {
		p.ok(n.PowerOn(t.Context()))
		p.ok(n.StartDaemon(t.Context()))
		_, err := n.Safekit(t.Context(), "start", "-m", demoModule)
		p.ok(err)
	}
	prim, _ := p.settled()
	if prim != p.one {
		t.Errorf("%s is primary, want the node that was", prim.Name)
	}
	p.writes()
	p.nothingLost(prim)
}
