package ha

import (
	"encoding/json"
	"testing"
)

func TestRoleText(t *testing.T) {
	for st := Stop; st <= Unknown; st++ {
		for su := NotReady; su <= StatusUnknown; su++ {
			r := Role{st, su}
			got, err := ParseRole(r.String())
			if err != nil || got != r {
				t.Errorf("ParseRole(%q) = %v, %v", r, got, err)
			}
		}
	}
	for _, bad := range []string{"", "PRIM", "PRIM ready", "prim Ready"} {
		if _, err := ParseRole(bad); err == nil {
			t.Errorf("ParseRole(%q) accepted", bad)
		}
	}
}

func TestLegalPairs(t *testing.T) {
	legal := map[string]bool{
		"STOP NotReady": true, "WAIT NotReady": true, "WAIT Transient": true,
		"ALONE Transient": true, "ALONE Ready": true, "PRIM Transient": true, "PRIM Ready": true,
		"SECOND Transient": true, "SECOND Ready": true, "UP Transient": true, "UP Ready": true,
		"UNKNOWN Unknown": true,
	}
	for st := Stop; st <= Unknown; st++ {
		for su := NotReady; su <= StatusUnknown; su++ {
			r := Role{st, su}
			if r.Legal() != legal[r.String()] {
				t.Errorf("%v: Legal() = %v", r, r.Legal())
			}
		}
	}
}

func TestCompare(t *testing.T) {
	g := func(b byte) Generation { return Generation{b} }
	a := History{}.Next(g(1))
	b := a.Next(g(2))
	c := a.Next(g(3))
	for _, tc := range []struct {
		name       string
		mine, peer History
		want       Relation
	}{
		{"both new", History{}, History{}, NoData},
		{"first copy", History{}, a, Behind},
		{"peer is new", a, History{}, Ahead},
		{"same", b, b, Same},
		{"peer went on alone", a, b, Behind},
		{"went on alone", b, a, Ahead},
		{"both went on alone", b, c, Diverged},
		{"foreign", History{Current: g(9)}, a, Diverged},
	} {
		if got := Compare(tc.mine, tc.peer); got != tc.want {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
		}
	}
}

func TestAncestorsAreBounded(t *testing.T) {
	h := History{}
	for i := range 3 * MaxAncestors {
		h = h.Next(Generation{byte(i), 1})
	}
	if len(h.Ancestors) != MaxAncestors {
		t.Errorf("%d ancestors kept, want %d", len(h.Ancestors), MaxAncestors)
	}
}

func TestHistoryJSON(t *testing.T) {
	h := History{}.Next(Generation{1}).Next(Generation{2})
	raw, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	var got History
	if err := json.Unmarshal(raw, &got); err != nil || Compare(got, h) != Same {
		t.Errorf("%s: %v, %v", raw, got, err)
	}
	var g Generation
	if err := g.UnmarshalText([]byte("12")); err == nil {
		t.Error("short generation accepted")
	}
}
