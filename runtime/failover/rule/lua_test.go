package rule

import (
	"strings"
	"testing"

	"github.com/safehold/safehold/runtime/ha"
)

func TestLua(t *testing.T) {
	text := `

--Lua Rules
-- the old defaults
Rules = Rules + {
  c_App = if_then("custom.App","down",Action.stopstart), -- why
  _group = "checker";
  all = if_then('remote.ip.*', 'up', Action.wait),
}
Rules.disable("ip_failure")
Rules = Rules + { one = if_then ( "local.tcp.10.0.0.1" , "unknown" , Action.swap ) }
`
	got, warnings, err := Parse(text, 20, Env{Mode: ha.Mirror})
	if err != nil || len(warnings) != 0 {
		t.Fatalf("%v, %v", warnings, err)
	}
	var lines []string
	for _, s := range got {
		if s.Rule != nil {
			lines = append(lines, s.Rule.String())
		} else {
			lines = append(lines, "disable "+s.Disable)
		}
	}
	want := `c_App: if (custom.App == down) then stopstart();
all: if (remote.ip.* == up) then wait();
disable ip_failure
one: if (tcp.10.0.0.1 == unknown) then swap();`
	if s := strings.Join(lines, "\n"); s != want {
		t.Errorf("got\n%s\nwant\n%s", s, want)
	}
	if got[0].Pos != (Pos{25, 3}) {
		t.Errorf("first rule at %v", got[0].Pos)
	}
}

func TestLuaGroupWarns(t *testing.T) {
	_, warnings, err := Parse(LuaHeader+"\nRules = Rules + { a = if_then('tcp.a','up',Action.stop), _group = \"mine\" }", 1, Env{Mode: ha.Mirror})
	if err != nil || len(warnings) != 1 || !strings.Contains(warnings[0].Msg, `"mine" is treated as "checker"`) {
		t.Errorf("%v, %v", warnings, err)
	}
}

func TestLuaMistakes(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"os.execute('rm')", `unsupported Lua construct "os.execute"`},
		{"local x = 1", "unsupported Lua construct"},
		{"Rules = {}", `unsupported Lua construct "{"`},
		{"Rules = Rules + {}", "unsupported Lua construct"},
		{"Rules = Rules + { a = 1 }", "unsupported Lua construct"},
		{"Rules = Rules + { a = if_then(f(),'up',Action.stop) }", "unsupported Lua construct"},
		{"Rules = Rules + { a = if_then('tcp.a','up',Action.stop) b = 1 }", "unsupported Lua construct"},
		{"Rules = Rules + { a = if_then('tcp.a','up',Action.fly) }", `unknown action "fly"`},
		{"Rules = Rules + { a = if_then('disk.a','up',Action.stop) }", "unknown resource class"},
		{"Rules = Rules + { a = if_then('tcp.a b','up',Action.stop) }", "is not a resource"},
		{"Rules = Rules + { a = if_then('up','up',Action.stop) }", "is not a resource"},
		{"Rules = Rules + { a = if_then('cluster()','up',Action.stop) }", "is not a resource"},
		{"Rules = Rules + { a = if_then('tcp.a','dwon',Action.stop) }", `did you mean "down"`},
		{"Rules = Rules + { a = if_then('tcp.a','up',Action.stop) ", "unsupported Lua construct the end"},
		{"Rules = Rules + { if = if_then('tcp.a','up',Action.stop) }", "keyword"},
		{"Rules.disable(x)", "unsupported Lua construct"},
		{"Rules.disable('')", "without a label"},
		{"Rules.disable('a\\'')", "unsupported Lua construct: string"},
		{"Rules.disable('a", "unsupported Lua construct: string"},
		{"--[[ block ]]", "block comment"},
		{"ip_failure: if (ip.* == down) then stop();", "line 6: column 1: rule text in a Lua section"},
		{"/* c */", "rule language comment"},
		{";", "unsupported Lua construct"},
	} {
		_, _, err := Parse(LuaHeader+"\n"+c.text, 5, Env{Mode: ha.Mirror})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.text, err, c.want)
		}
	}
}
