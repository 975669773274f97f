package failover

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/safehold/safehold/runtime/failover/rule"
	"github.com/safehold/safehold/runtime/ha"
)

func TestExplainSince(t *testing.T) {
	r := newRig(t, withChecker(defaults(ha.Mirror), Checker{Class: "ping", Ident: "gw"}), "PRIM Ready")
	r.at(0, "ping.gw=init")
	r.at(2, "ping.gw=up")
	r.at(12, "ping.gw=down")
	r.until(26)
	e := r.m.Explain(r.view)
	last := e[len(e)-1]
	if last.Label != "p_gw" || last.Truth != rule.True || last.Since != 15*time.Second || last.Origin != OriginGenerated ||
		!slices.Equal(last.Reads, []Reading{{Resource: "ping.gw", Value: "down"}}) {
		t.Errorf("%+v", last)
	}
}

func TestTry(t *testing.T) {
	s := mustSet(t, withChecker(defaults(ha.Mirror), Checker{Class: "ping", Ident: "gw"}, Checker{Class: "ip", Ident: "192.0.2.9"}))
	v := View{Role: role(t, "PRIM Ready"), Peer: role(t, "SECOND Ready"), Local: parseMap(t, "ping.gw=up ip.192.0.2.9=up")}
	for change, want := range map[string]string{
		"ping.gw=down":             "wait from failover rule p_gw, 15s to 20s after the change, counted in maxloop",
		"ip.192.0.2.9=down":        "stopstart from failover rule ip_failure, 15s to 20s after the change, counted in maxloop",
		"ping.gw=init":             "no action",
		"custom.x=down":            "no action",
		"local.ping.gw=down":       "wait from failover rule p_gw, 15s to 20s after the change, counted in maxloop",
		"remote.ping.gw=down":      "no action",
		"splitbrain.uptodate=down": "wait from failover rule splitbrain_failure, 0s to 5s after the change, counted in maxloop",
	} {
		c, err := ParseChange(change)
		if err != nil {
			t.Fatal(err)
		}
		trial := s.Try(v, []Change{c})
		if got := trial.Then.String(); got != want {
			t.Errorf("%s: %s, want %s", change, got, want)
		}
		if trial.Now.String() != "no action" {
			t.Errorf("now: %s", trial.Now)
		}
		if change == "ping.gw=down" && !slices.Equal(trial.Changed(), []string{"p_gw"}) {
			t.Errorf("changed: %v", trial.Changed())
		}
	}
	v.Role = role(t, "WAIT Transient")
	for change, want := range map[string]string{
		"ping.gw=up":   "wakeup from failover rule Implicit_wakeup, at once",
		"ping.gw=init": "stays in WAIT until a value of ping.gw is known",
		"ping.gw=down": "held in WAIT by failover rule p_gw",
	} {
		c, err := ParseChange(change)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Try(v, []Change{c}).Then.String(); got != want {
			t.Errorf("WAIT, %s: %s, want %s", change, got, want)
		}
	}
}

func TestParseChangeRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"ping.gw":        "want class.id=STATE",
		"ping.gw=dwon":   "want class.id=STATE",
		"ping=down":      "want class.id",
		"disk.a=down":    `no class "disk"`,
		"remote.gw=down": "want class.id",
		"state.local=up": `no class "state"`,
	} {
		if _, err := ParseChange(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
