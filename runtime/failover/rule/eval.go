package rule

import "github.com/safehold/safehold/runtime/ha"

// Truth is the result of a rule. The zero value is False.
type Truth uint8

// The results. NotEvaluated counts as false, and says why nothing happens.
const (
	False Truth = iota
	True
	NotEvaluated
)

// String gives the word for listings.
func (t Truth) String() string {
	switch t {
	case False:
		return "false"
	case True:
		return "true"
	default:
		return "not evaluated"
	}
}

// View is what conditions read.
type View interface {
	// Value is the current value of a resource, "init" when it has none, and
	// for remote ones "unknown" when the peer's value cannot be known.
	Value(remote bool, r ha.Resource) string
	// Members lists the ids that wildcards of a class stand for.
	Members(class string) []string
	// ClusterUp tells whether the cluster membership reaches the peer.
	ClusterUp() bool
	// Fact answers one of the Fact names.
	Fact(name string) bool
}

func truth(b bool) Truth {
	if b {
		return True
	}
	return False
}

func (r Ref) eval(View) Truth     { return NotEvaluated }
func (s State) eval(View) Truth   { return NotEvaluated }
func (c Cluster) eval(View) Truth { return NotEvaluated }
func (f Fact) eval(v View) Truth  { return truth(v.Fact(f.Name)) }

func (n *Not) eval(v View) Truth {
	switch n.X.eval(v) {
	case True:
		return False
	case False:
		return True
	default:
		return NotEvaluated
	}
}

// eval never stops at the first side: a side that is not evaluated takes the
// whole rule with it.
func (b *Binary) eval(v View) Truth {
	if b.X.kind() != condition {
		return compare(v, b.X, b.Y, b.Op == "==")
	}
	x, y := b.X.eval(v), b.Y.eval(v)
	if x == NotEvaluated || y == NotEvaluated {
		return NotEvaluated
	}
	switch b.Op {
	case "&&":
		return truth(x == True && y == True)
	case "||":
		return truth(x == True || y == True)
	case "==":
		return truth(x == y)
	default:
		return truth(x != y)
	}
}

// compare evaluates operand == operand, or != when want is false.
func compare(v View, x, y Node, want bool) Truth {
	if x.kind() == constant {
		x, y = y, x
	}
	lit, literal := y.(State)
	if c, ok := x.(Ref); ok && c.Wild() {
		return compareClass(v, c, lit.Value, want)
	}
	a, b := value(v, x), value(v, y)
	if (a == ha.ValueInit || b == ha.ValueInit) && !(literal && lit.Value == ha.ValueInit) {
		return NotEvaluated
	}
	return truth((a == b) == want)
}

func value(v View, n Node) string {
	switch n := n.(type) {
	case Ref:
		return v.Value(n.Remote, n.Resource)
	case State:
		return n.Value
	case Cluster:
		if v.ClusterUp() {
			return ha.ValueUp
		}
		return ha.ValueDown
	default:
		return ha.ValueInit
	}
}

// compareClass evaluates c.? and c.* against a state: an empty class is false,
// init members are skipped by ? and stop *, unless init itself is asked for.
func compareClass(v View, c Ref, state string, want bool) Truth {
	members := v.Members(c.Class)
	seen, hits := 0, 0
	for _, id := range members {
		got := v.Value(c.Remote, ha.Resource{Class: c.Class, ID: id})
		if got == ha.ValueInit && state != ha.ValueInit {
			continue
		}
		seen++
		if (got == state) == want {
			hits++
		}
	}
	switch {
	case len(members) == 0:
		return False
	case c.ID == Any && seen == 0, c.ID == All && seen < len(members):
		return NotEvaluated
	case c.ID == Any:
		return truth(hits > 0)
	default:
		return truth(hits == len(members))
	}
}

// MarshalText writes the word, for JSON.
func (t Truth) MarshalText() ([]byte, error) { return []byte(t.String()), nil }
