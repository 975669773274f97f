package lab

import (
	"strings"
	"testing"
	"time"
)

// TestStopAndStartAtOnce: a start that follows a stop at once once lost the
// end of its catch-up, because the new replicator was used before it was
// configured; either side is stopped and started several times.
func TestStopAndStartAtOnce(t *testing.T) {
	p := newPair(t, "tstop", 5*time.Second)
	for range 4 {
		_, second := p.settled()
		p.stopStart(second)
		prim, second := p.settled()
		p.stopStart(prim) // the other one takes over
		p.eventually("the other node took over", func() bool {
			s := p.state(second)
			return s == "PRIM Ready" || s == "ALONE Ready"
		})
	}
	prim, _ := p.settled()
	p.writes()
	p.nothingLost(prim)
}

func (p *pair) stopStart(n *Node) {
	p.t.Helper()
	for _, args := range [][]string{{"stop", "-m", demoModule}, {"waitstop", "-m", demoModule}, {"start", "-m", demoModule}} {
		_, err := n.Safekit(p.t.Context(), args...)
		p.ok(err)
	}
}

// TestDifferentConfigurations: nodes whose configurations differ do not pair,
// and say so with both digests.
func TestDifferentConfigurations(t *testing.T) {
	p := newPair(t, "tdiff", 2*time.Second)
	_, err := p.two.Safekit(t.Context(), "stop", "-m", demoModule)
	p.ok(err)
	p.reach(p.two, "STOP")
	_, err = p.two.Run(t.Context(), "sed", "-i", "s/maxloop=\"3\"/maxloop=\"4\"/", "/opt/safekit/modules/"+demoModule+"/conf/userconfig.xml")
	p.ok(err)
	_, err = p.two.Safekit(t.Context(), "config", "-m", demoModule)
	p.ok(err)
	_, err = p.two.Safekit(t.Context(), "start", "-m", demoModule)
	p.ok(err)
	digest := func(n *Node) string {
		out, err := n.Safekit(t.Context(), "confinfo", "-m", demoModule)
		p.ok(err)
		for _, word := range strings.Fields(out) {
			if len(word) >= 40 {
				return word
			}
		}
		t.Fatalf("%s shows no digest:\n%s", n.Name, out)
		return ""
	}
	mine, theirs := digest(p.two), digest(p.one)
	if mine == theirs {
		t.Fatal("the configurations do not differ")
	}
	p.eventually("both digests are in the log", func() bool {
		out, err := p.two.Safekit(t.Context(), "log", "-m", demoModule, "-A")
		return err == nil && strings.Contains(out, mine[:8]) && strings.Contains(out, theirs[:8])
	})
	if s := p.state(p.two); s == "SECOND Ready" || strings.HasPrefix(s, "PRIM") || strings.HasPrefix(s, "ALONE") {
		t.Errorf("node2 became %s", s)
	}
	p.writes()
}
