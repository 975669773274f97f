package failover

import (
	"strings"
	"testing"
	"time"

	"github.com/safehold/safehold/runtime/failover/rule"
	"github.com/safehold/safehold/runtime/ha"
)

func TestOrder(t *testing.T) {
	c := withChecker(defaults(ha.Mirror),
		Checker{Class: "tcp", Ident: "a", When: WhenPre}, Checker{Class: "tcp", Ident: "b", When: WhenPrim},
		Checker{Class: "ping", Ident: "c"}, Checker{Class: "ping", Ident: "d", When: WhenBoth},
		Checker{Class: "custom", Ident: "e", When: WhenPrim, Action: "stop"}, Checker{Class: "custom", Ident: "web1_check", When: WhenPre},
		Checker{Class: "tcp", Ident: "f", When: WhenPrim, Action: NoAction}, Checker{Class: "intf", Ident: "10.0.0.0"})
	c.HasRFS, c.SyncDelta, c.SyncAt, c.FlowHeartbeat = true, 10*time.Minute, true, true
	c.Sections = []Section{{}, {Text: "  \n"}, {Text: "u: if (custom.web1_check == down) then stop();", Line: 3}}
	s := mustSet(t, c)
	var got []string
	for _, r := range s.Rules() {
		got = append(got, r.String())
	}
	want := []string{
		ruleNotUptodate, ruleDegraded, ruleForce, ruleSyncAt, ruleFlow,
		"module_failure: if (module.? == down) then wait();",
		"interface_failure: if (intf.? == down) then wait();",
		"ip_failure: if (ip.? == down) then stopstart();",
		"splitbrain_failure: if (splitbrain.uptodate == down) then wait();",
		"t_a: if (tcp.a == down) then wait();",
		"t_b: if (tcp.b == down) then restart();",
		"p_c: if (ping.c == down) then wait();",
		"p_d: if (ping.d == down) then stopstart();",
		"c_e: if (custom.e == down) then stop();",
		"u: if (custom.web1_check == down) then stop();",
	}
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		t.Errorf("got\n%s\nwant\n%s", g, w)
	}
}

// TestUserSections holds failover-rules.md sections 8.5, 11 and 12: what a user
// text does to the set, and the warning or error it gives.
func TestUserSections(t *testing.T) {
	lua := func(s string) string { return rule.LuaHeader + "\n" + s }
	for _, tc := range []struct {
		name, text, warning, failure string
		without, with                string // labels
		noExtends                    bool
	}{
		{name: "replace a default", text: "ip_failure: if (ip.? == down) then stop();", warning: "rule ip_failure replaces the default rule ip_failure", with: "ip_failure"},
		{name: "replace a generated", text: "t_a: if (tcp.a == down) then stop();", warning: "replaces the generated rule t_a", with: "t_a"},
		{name: "old class rule", text: "tcp_failure: if (tcp.? == down) then stop();", warning: "rule tcp_failure replaces the generated rule t_a", with: "tcp_failure t_act", without: "t_a"},
		{name: "old class rule disabled", text: lua("Rules.disable('ping_failure')"), without: "p_gw", with: "t_a"},
		{name: "disable what is not there", text: lua("Rules.disable('nothing')"), warning: "line 6: Rules.disable of nothing"},
		{name: "disable and define again", text: lua("Rules.disable('t_a')\nRules = Rules + { t_a = if_then('tcp.a','up',Action.stop) }"), with: "t_a"},
		{name: "disable a user rule and define it again", text: lua("Rules = Rules + { q = if_then('tcp.a','up',Action.stop) }\nRules.disable('q')\nRules = Rules + { q = if_then('tcp.a','up',Action.wait) }"), with: "q"},
		{name: "disable a component rule", text: lua("Rules.disable('degraded_server')"), failure: `line 6: column 1: rule "degraded_server" belongs to the product`},
		{name: "label twice", text: "x: if (tcp.a == up) then stop();\nx: if (tcp.a == up) then stop();", failure: `line 6: column 1: label "x" is already used at line 5`},
		{name: "reserved label", text: "rfs_degraded_server: if (tcp.a == up) then stop();", failure: "belongs to the product"},
		{name: "reserved label without extends", text: "notuptodate_server: if (rfs.uptodate == down) then wait();", noExtends: true, warning: "rule notuptodate_server is ignored", with: "rfs_notuptodate_server t_a"},
		{name: "no extends", text: "x: if (tcp.a == up) then stop();", noExtends: true, warning: `extends="no" drops the default rules`, without: "ip_failure interface_failure", with: "t_a p_gw x"},
		{name: "undeclared resource", text: "x: if (tcp.b == down) then stop();", warning: "line 5: rule x: nothing in this configuration declares tcp.b"},
		{name: "wait on a role-bound resource", text: "x: if (tcp.a == down) then wait();", warning: "tcp.a has no value in WAIT"},
		{name: "wait on a role-bound class", text: "x: if (tcp.? == down) then wait();", warning: "tcp.? has no value in WAIT"},
		{name: "custom nobody mentions", warning: "custom checker idle has no action and no rule mentions custom.idle"},
		{name: "mistake", text: "x: if (tcp.a == dwon) then stop();", failure: "failover rule at line 5: column 17: unknown state"},
	} {
		c := withChecker(defaults(ha.Mirror), Checker{Class: "tcp", Ident: "a", When: WhenPrim}, Checker{Class: "ping", Ident: "gw"},
			Checker{Class: "tcp", Ident: "act", When: WhenPrim, Action: "stop"}, Checker{Class: "custom", Ident: "idle", When: WhenPre})
		c.HasRFS, c.Extends = true, !tc.noExtends
		c.Sections = []Section{{Text: tc.text, Line: 5}}
		s, warnings, err := NewSet(c)
		if tc.failure != "" {
			if err == nil || !strings.Contains(err.Error(), tc.failure) || s != nil {
				t.Errorf("%s: error %v, want %q", tc.name, err, tc.failure)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		var all []string
		for _, w := range warnings {
			all = append(all, w.String())
		}
		if !strings.Contains(strings.Join(all, "\n"), tc.warning) {
			t.Errorf("%s: warnings %q, want %q", tc.name, all, tc.warning)
		}
		count := map[string]int{}
		for _, r := range s.Rules() {
			count[r.Label]++
		}
		for _, l := range strings.Fields(tc.with) {
			if count[l] != 1 {
				t.Errorf("%s: %d rules %s", tc.name, count[l], l)
			}
		}
		for _, l := range strings.Fields(tc.without) {
			if count[l] != 0 {
				t.Errorf("%s: rule %s is still there", tc.name, l)
			}
		}
	}
}

func TestMistakesOfAllSectionsAreReported(t *testing.T) {
	c := defaults(ha.Farm)
	c.Sections = []Section{{Text: "x: if (remote.tcp.a == up) then stop();", Line: 3}, {Text: "y: if (tcp.a == up) then swap();", Line: 8}}
	_, _, err := NewSet(c)
	if err == nil || !strings.Contains(err.Error(), "line 3") || !strings.Contains(err.Error(), "line 8") {
		t.Errorf("%v", err)
	}
}

func TestBadConfig(t *testing.T) {
	for want, edit := range map[string]func(*Config){
		"not a multiple of period":  func(c *Config) { c.HandleTime = 7 * time.Second },
		"shorter than 100ms":        func(c *Config) { c.Period = 0 },
		"unknown mode":              func(c *Config) { c.Mode = 0 },
		`unknown action "reboot"`:   func(c *Config) { c.Checkers = []Checker{{Class: "tcp", Ident: "a", Action: "reboot"}} },
		"tcp.a is declared twice":   func(c *Config) { c.Checkers = []Checker{{Class: "tcp", Ident: "a"}, {Class: "tcp", Ident: "a"}} },
		"handle_time -5s is not a ": func(c *Config) { c.HandleTime = -5 * time.Second },
	} {
		c := defaults(ha.Mirror)
		edit(&c)
		if _, _, err := NewSet(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
