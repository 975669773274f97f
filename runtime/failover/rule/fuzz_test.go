package rule

import (
	"strings"
	"testing"

	"github.com/safehold/safehold/runtime/ha"
)

// FuzzParse feeds both languages: whatever is accepted prints itself as text
// that means the same, and evaluates without panic.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"app_ko:\n if (custom.app == down) then restart();",
		"/* c */ net: if ((ping.gw == down) && !(ping.gw2 == up)) then wait();",
		"a:if(intf.10.0.0.0!=up||ip.*==down)then stopstart();",
		"x: if ((tcp.? == up) != (cluster() == down)) then swap()",
		LuaHeader + "\nRules = Rules + { a = if_then('tcp.a','up',Action.stop), _group='x' }\nRules.disable(\"b\")",
		"--", "x: if (((((", "!", "/*", "\n\n--Lua Rules",
	} {
		f.Add(s)
	}
	w := parseWorld("tcp.a=up tcp.b=down ip.x=init custom.app=down")
	f.Fuzz(func(t *testing.T, text string) {
		got, _, err := Parse(text, 1, Env{Mode: ha.Mirror})
		if err != nil {
			if !strings.HasPrefix(err.Error(), "failover rule at line ") {
				t.Fatalf("error without a place: %v", err)
			}
			return
		}
		for _, s := range got {
			if s.Rule == nil {
				continue
			}
			again, _, err := Parse(s.Rule.String(), 1, Env{Mode: ha.Mirror})
			if err != nil || len(again) != 1 || again[0].Rule.String() != s.Rule.String() {
				t.Fatalf("%s does not read back: %v, %v", s.Rule, again, err)
			}
			if s.Rule.Eval(w) != again[0].Rule.Eval(w) {
				t.Fatalf("%s means something else when read back", s.Rule)
			}
		}
	})
}
