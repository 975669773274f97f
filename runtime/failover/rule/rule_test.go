package rule

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/safehold/safehold/runtime/ha"
)

// world is a View written as "class.id=value" words; the ids of a class are
// those that occur.
type world struct {
	values  map[string]string
	cluster bool
}

func parseWorld(s string) world {
	w := world{values: map[string]string{}}
	for _, word := range strings.Fields(s) {
		name, value, _ := strings.Cut(word, "=")
		w.values[name] = value
	}
	return w
}

func (w world) Value(remote bool, r ha.Resource) string {
	name := r.String()
	if remote {
		name = "remote." + name
	}
	if v, ok := w.values[name]; ok {
		return v
	}
	return ha.ValueInit
}

func (w world) Members(class string) []string {
	var ids []string
	for _, name := range slices.Sorted(maps.Keys(w.values)) {
		if id, ok := strings.CutPrefix(name, class+"."); ok {
			ids = append(ids, id)
		}
	}
	return ids
}

func (w world) ClusterUp() bool       { return w.cluster }
func (w world) Fact(name string) bool { return name == FactPrimary }

// TestVectors is the table of failover-rules.md section 6.
func TestVectors(t *testing.T) {
	w := parseWorld("intf.a=up intf.b=down intf.c=init ip.x=down ip.y=up heartbeat.default=down heartbeat.flow=down " +
		"custom.k=init remote.rfs.uptodate=unknown rfs.uptodate=up")
	for expr, want := range map[string]Truth{
		"intf.? == down":                         True,
		"intf.* == down":                         NotEvaluated,
		"ip.? == down":                           True,
		"ip.* == down":                           False,
		"ip.* != init":                           True,
		"!(ip.? == up)":                          False,
		"heartbeat.* == down":                    True,
		"ip.x == ip.y":                           False,
		"down == ip.x":                           True,
		"custom.k == down":                       NotEvaluated,
		"custom.k == down || ip.x == down":       NotEvaluated,
		"custom.k == init":                       True,
		"remote.rfs.uptodate == up":              False,
		"remote.rfs.uptodate != up":              True,
		"remote.rfs.uptodate == unknown":         True,
		"tcp.? == down":                          False,
		"tcp.* == down":                          False,
		"(ip.x == down) != (ip.y == down)":       True,
		"ip.x == down && heartbeat.flow != down": False,

		// Not in the table, decided by its text.
		"tcp.? != down":                      False,
		"tcp.* != down":                      False,
		"!(tcp.? == down)":                   True,
		"custom.? == down":                   NotEvaluated,
		"custom.? == init":                   True,
		"intf.? != down":                     True,
		"intf.* == init":                     False,
		"cluster() == down":                  True,
		"up != cluster()":                    True,
		"custom.nobody == down":              NotEvaluated,
		"custom.nobody != init":              False,
		"ip.x == custom.k":                   NotEvaluated,
		"ip.x == intf.b":                     True,
		"ip.x == local.intf.b":               True,
		"remote.ip.? == down":                NotEvaluated,
		"ip.y==up||ip.y==up&&ip.x==up":       True,
		"!(ip.y == up) || ip.y == up":        True,
		"custom.k == down && ip.y == down":   NotEvaluated,
		"(custom.k == down) == (ip.y == up)": NotEvaluated,
	} {
		rules, _, err := Parse("x: if ("+expr+") then stop();", 1, Env{Mode: ha.Mirror})
		if err != nil || len(rules) != 1 {
			t.Errorf("%s: %v", expr, err)
			continue
		}
		if got := rules[0].Rule.Eval(w); got != want {
			t.Errorf("%s: %v, want %v", expr, got, want)
		}
	}
}

// TestExample14_1 is the accepted part of failover-rules.md section 14.1 and
// the free layout of section 4; want is how the rule prints itself.
func TestExample14_1(t *testing.T) {
	for text, want := range map[string]string{
		"app_ko:\n  if (custom.app == down) then restart();":                             "app_ko: if (custom.app == down) then restart();",
		"/* both links */ net: if ((ping.gw == down) && !(ping.gw2 == up)) then wait();": "net: if (ping.gw == down && !(ping.gw2 == up)) then wait();",
		"a:if(intf.10.0.0.0!=up||ip.192.0.2.9==down)then stopstart();":                   "a: if (intf.10.0.0.0 != up || ip.192.0.2.9 == down) then stopstart();",
		"mv: if (local.custom.link == down && remote.custom.link == up) then swap();":    "mv: if (custom.link == down && remote.custom.link == up) then swap();",
		"x:if(proc.a==down)then stop();;;":                                               "x: if (proc.a == down) then stop();",
		"x:if/**/(ip.fe80::1/* c */==down)then stop ( ) ;":                               "x: if (ip.fe80::1 == down) then stop();",
		"x: if ((up == tcp.a || tcp.b == up) && tcp.c == up) then stop()":                "x: if ((up == tcp.a || tcp.b == up) && tcp.c == up) then stop();",
		"x: if ((tcp.a == up) != (tcp.b == up)) then stop();":                            "x: if ((tcp.a == up) != (tcp.b == up)) then stop();",
		"x-1.b: if (!!(tcp.a == up)) then stop();":                                       "x-1.b: if (!!(tcp.a == up)) then stop();",
		"x: if (tcp.a == up && (tcp.b == up && tcp.c == up)) then stop();":               "x: if (tcp.a == up && (tcp.b == up && tcp.c == up)) then stop();",
	} {
		got, _, err := Parse(text, 1, Env{Mode: ha.Mirror})
		if err != nil || len(got) != 1 {
			t.Errorf("%q: %v, %v", text, got, err)
			continue
		}
		if s := got[0].Rule.String(); s != want {
			t.Errorf("%q printed as %q, want %q", text, s, want)
		}
	}
}

// TestMistakes holds the errors of failover-rules.md sections 11 and 14.1.
func TestMistakes(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"if (ping.gw == down) then wait();", "line 7: column 1: rule has no label"},
		{"x: if ping.gw == down then wait();", `line 7: column 7: expected "(" after if`},
		{"x: if (ping.gw = down) then wait();", "column 16: single = in a condition; write =="},
		{"x: if (custom.app) then restart();", "custom.app alone is not a condition"},
		{"x: if (up) then restart();", "state up alone is not a condition"},
		{"x: if (custom.app == down) then rfs.uptodate=up;", "only built-in rules may assign"},
		{"x if (tcp.a == down) then stop();", `no colon after label "x"`},
		{"x: if (tcp.a == down) stop();", `expected "then" after the condition, found "stop"`},
		{"x: if (tcp.a == down) then reboot();", `unknown action "reboot"`},
		{"x: if (tcp.a == down) then restat();", `did you mean "restart"?`},
		{"x: if (tcp.a == down) then stop(now);", "action stop takes no argument"},
		{"x: if (tcp.a == down) then stop;", `expected "(" after the action`},
		{"x: if (disk.a == down) then stop();", `unknown resource class "disk"`},
		{"x: if (pin.a == down) then stop();", `did you mean "ping"?`},
		{"x: if (tcp.a == dwon) then stop();", `unknown state "dwon"; did you mean "down"?`},
		{"x: if (tcp.web* == down) then stop();", "wildcard in tcp.web* must stand alone"},
		{"x: if (tcp.?web == down) then stop();", "wildcard in tcp.?web must stand alone"},
		{"x: if (up == up) then stop();", "compares two states"},
		{"x: if (tcp.? == ip.*) then stop();", "cannot compare a wildcard"},
		{"x: if (tcp.? == ip.a) then stop();", "cannot compare a wildcard"},
		{"x: if (cluster() == ip.a) then stop();", "cluster() can only be compared with a state"},
		{"x: if ((tcp.a == up) == up) then stop();", "== compares a condition with up"},
		{"x: if (tcp.a == up == up) then stop();", "comparisons cannot be chained"},
		{"x: if (!tcp.a == up) then stop();", "! wants a condition"},
		{"x: if (tcp.a == up & tcp.b == up) then stop();", "single & in a condition"},
		{"x: if (tcp.a == up && tcp.b) then stop();", "tcp.b alone is not a condition"},
		{"x: if (tcp.a == up) then stop() y: if (tcp.a == up) then stop();", "end the rule with ;"},
		{"/* never closed", "unterminated comment"},
		{"x: if (tcp.a /* == up) then stop();", "unterminated comment"},
		{"// no", "unknown comment style"},
		{"# no", "unknown comment style"},
		{"-- no", "Lua text in a section of the rule language"},
		{"x: if (tcp.a == up) then stop();\n--Lua Rules\n", "line 8: column 1: Lua text"},
		{"Rules = Rules + { }", "Lua text in a section of the rule language"},
		{`Rules.disable("x")`, "Lua text in a section of the rule language"},
		{"stop: if (tcp.a == up) then stop();", `label "stop" is a keyword`},
		{"9x: if (tcp.a == up) then stop();", `rule has no label, found "9x"`},
		{"x: if (tcp. == up) then stop();", "expected a name"},
		{"x: if (tcp == up) then stop();", `"tcp" wants a dot and a name`},
		{"x: if (remote.tcp == up) then stop();", `expected a dot after "tcp"`},
		{"x: if (primary()) then stop();", `unknown function "primary"`},
		{"x: if () then stop();", "expected a resource or a state"},
		{"x: if (tcp.a == up", `expected ")" after the condition, found the end`},
		{"x: if (" + strings.Repeat("(", 1000) + "tcp.a == up", "nested more than 100 deep"},
		{"x: if (" + strings.Repeat("!", 1000) + "(tcp.a == up)) then stop();", "nested more than 100 deep"},
		{"\xff", "not valid UTF-8"},
		{strings.Repeat(" ", MaxText+1), "longer than"},
		{strings.Repeat("x: if (tcp.a == up) then stop();\n", MaxStatements+1), "more than 2000 statements"},
	} {
		_, _, err := Parse(c.text, 7, Env{Mode: ha.Mirror})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "failover rule at line ") {
			t.Errorf("%.60q: error %v, want %q", c.text, err, c.want)
		}
	}
}

func TestModes(t *testing.T) {
	for _, mode := range []ha.Mode{ha.Farm, ha.Light} {
		for text, want := range map[string]string{
			"x: if (remote.tcp.http == down) then stop();":                                         "remote. needs a mirror module, this one is " + mode.String(),
			"x: if (tcp.http == down) then swap();":                                                "swap() needs a mirror module",
			LuaHeader + "\nRules = Rules + { x = if_then(\"remote.tcp.a\", \"up\", Action.stop) }": "remote. needs a mirror",
			LuaHeader + "\nRules = Rules + { x = if_then(\"tcp.a\", \"up\", Action.swap) }":        "swap() needs a mirror",
		} {
			if _, _, err := Parse(text, 1, Env{Mode: mode}); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v %q: %v", mode, text, err)
			}
		}
	}
}

func TestEveryMistakeIsReported(t *testing.T) {
	_, _, err := Parse("a: if (tcp.a = up) then stop();\nb: if (tcp.a == up) then stop();\nc: if (tcp.a == up) then fly();", 10, Env{Mode: ha.Mirror})
	var list Errors
	if !errors.As(err, &list) || len(list) != 2 || list[0].Pos.Line != 10 || list[1].Pos.Line != 12 {
		t.Fatalf("errors: %v", err)
	}
}

func TestMissingSemicolonWarns(t *testing.T) {
	_, warnings, err := Parse("a: if (tcp.a == up) then stop();\nb: if (tcp.a == up) then wait()", 1, Env{Mode: ha.Mirror})
	if err != nil || len(warnings) != 1 || warnings[0].String() != "line 2: no ; after the last rule" {
		t.Errorf("%v, %v", warnings, err)
	}
}

func TestIgnoredLabels(t *testing.T) {
	env := Env{Mode: ha.Mirror, Ignore: func(l string) bool { return l == "degraded_server" }}
	for _, text := range []string{
		"degraded_server: if (rfs.x = what; a: if (tcp.a == up) then stop();",
		"degraded_server: if (rfs.x == up) then rfs.uptodate=up; a: if (tcp.a == up) then stop();",
		"degraded_server: if (rfs.x == up) then wait(); a: if (tcp.a == up) then stop();",
		LuaHeader + "\nRules = Rules + { degraded_server = if_then('rfs.a','up',Action.stop), a = if_then('tcp.a','up',Action.stop) }",
	} {
		got, warnings, err := Parse(text, 1, env)
		if err != nil || len(got) != 1 || got[0].Rule.Label != "a" || len(warnings) != 1 {
			t.Errorf("%q: %v %v %v", text, got, warnings, err)
		}
	}
}

func TestBuiltIn(t *testing.T) {
	text := "x: if (rfs.uptodate == down && !peer_current() && primary()) then rfs.uptodate=up;"
	got, _, err := Parse(text, 1, Env{Mode: ha.Mirror, BuiltIn: true})
	if err != nil || len(got) != 1 || got[0].Rule.String() != text {
		t.Fatalf("%v, %v", got, err)
	}
	if r := got[0].Rule; r.Eval(parseWorld("rfs.uptodate=down")) != True || len(r.Refs()) != 1 {
		t.Errorf("%v is not true or has refs %v", r, r.Refs())
	}
	for _, bad := range []string{"x: if (tcp.a == up) then tcp.?=up;", "x: if (tcp.a == up) then tcp.a=maybe;", "x: if (tcp.a == up) then tcp.a;"} {
		if _, _, err := Parse(bad, 1, Env{Mode: ha.Mirror, BuiltIn: true}); err == nil {
			t.Errorf("%s accepted", bad)
		}
	}
}
