package rule

import "github.com/safehold/safehold/runtime/ha"

// Node is one part of a condition; it prints itself in the rule language.
type Node interface {
	String() string
	// Pos is where the node begins in the text.
	Pos() Pos
	kind() kind
	// eval is defined for conditions only; operands give NotEvaluated.
	eval(View) Truth
}

type kind uint8

const (
	condition kind = iota + 1
	reference
	wildcard
	constant
	membership // cluster()
)

// Wildcards that stand for every declared resource of a class.
const (
	Any = "?" // at least one
	All = "*" // all of them
)

// Ref names a resource, or with an ID of Any or All those of a class.
type Ref struct {
	Remote bool
	ha.Resource
	at Pos
}

// String gives class.id with the prefix remote. where it matters.
func (r Ref) String() string {
	if r.Remote {
		return "remote." + r.Resource.String()
	}
	return r.Resource.String()
}

// Wild tells whether the reference stands for a class.
func (r Ref) Wild() bool { return r.ID == Any || r.ID == All }

// Pos implements Node.
func (r Ref) Pos() Pos { return r.at }

func (r Ref) kind() kind {
	if r.Wild() {
		return wildcard
	}
	return reference
}

// State is a literal value: up, down, init, unknown.
type State struct {
	Value string
	at    Pos
}

// String gives the word.
func (s State) String() string { return s.Value }

// Pos implements Node.
func (s State) Pos() Pos { return s.at }

func (s State) kind() kind { return constant }

// Cluster is cluster(): up when the cluster membership reaches the peer.
type Cluster struct{ at Pos }

// String gives cluster().
func (c Cluster) String() string { return "cluster()" }

// Pos implements Node.
func (c Cluster) Pos() Pos { return c.at }

func (c Cluster) kind() kind { return membership }

// Fact is a condition about the two nodes that only built-in rules may use.
type Fact struct {
	Name string
	at   Pos
}

// The facts a View knows.
const (
	FactPrimary     = "primary"      // this node is ALONE or PRIM
	FactSecondary   = "secondary"    // this node is SECOND, or waits while the peer is primary
	FactPeerCurrent = "peer_current" // the peer is an up-to-date primary whose replication is not degraded
)

// String gives name().
func (f Fact) String() string { return f.Name + "()" }

// Pos implements Node.
func (f Fact) Pos() Pos { return f.at }

func (f Fact) kind() kind { return condition }

// Not is !X.
type Not struct {
	X  Node
	at Pos
}

// String gives !X, with parentheses around anything that is not atomic.
func (n *Not) String() string { return "!" + wrap(n.X, precedence(n)) }

// Pos implements Node.
func (n *Not) Pos() Pos { return n.at }

func (n *Not) kind() kind { return condition }

// Binary is X Op Y. With == and != both sides are operands, or both conditions.
type Binary struct {
	Op   string // "==", "!=", "&&" or "||"
	X, Y Node
	at   Pos // of the operator
}

// String gives X Op Y with only the parentheses that are needed.
func (b *Binary) String() string {
	p := precedence(b)
	left, right := p, p+1
	if b.comparison() {
		left++
	}
	return wrap(b.X, left) + " " + b.Op + " " + wrap(b.Y, right)
}

// Pos implements Node.
func (b *Binary) Pos() Pos { return b.X.Pos() }

func (b *Binary) kind() kind { return condition }

func (b *Binary) comparison() bool { return b.Op == "==" || b.Op == "!=" }

// precedence grows from || to atoms (failover-rules.md section 4).
func precedence(n Node) int {
	switch n := n.(type) {
	case *Binary:
		switch n.Op {
		case "||":
			return 1
		case "&&":
			return 2
		default:
			return 3
		}
	case *Not:
		return 4
	default:
		return 5
	}
}

// wrap prints n, in parentheses when it binds weaker than least.
func wrap(n Node, least int) string {
	if precedence(n) < least {
		return "(" + n.String() + ")"
	}
	return n.String()
}

func appendRefs(refs []Ref, n Node) []Ref {
	switch n := n.(type) {
	case Ref:
		return append(refs, n)
	case *Not:
		return appendRefs(refs, n.X)
	case *Binary:
		return appendRefs(appendRefs(refs, n.X), n.Y)
	default:
		return refs
	}
}
