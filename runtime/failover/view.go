package failover

import (
	"slices"

	"github.com/safehold/safehold/runtime/failover/rule"
	"github.com/safehold/safehold/runtime/ha"
)

// Values gives the current value of a resource, empty or "init" for none.
type Values interface {
	Value(r ha.Resource) string
}

// Map is a plain Values.
type Map map[ha.Resource]string

// Value implements Values.
func (m Map) Value(r ha.Resource) string { return m[r] }

// View is what a node knows at one moment. The machine only reads it.
type View struct {
	Role ha.Role // of this node
	// Busy tells that a transition is in progress although the role is WAIT
	// (prestart or stop scripts still run). A Transient role other than WAIT is
	// busy by itself.
	Busy bool
	Peer ha.Role // mirror: role of the peer; UNKNOWN when no heartbeat is up

	Local  Values // nil: no resource has a value
	Remote Values // as of the last heartbeat; not read while the peer is STOP or UNKNOWN

	CustomIDs   []string // ids of class custom set by command, besides the declared ones
	ClusterUp   bool     // the cluster membership reaches the peer node
	CheckersOff bool     // usersetting.checker is off

	// Automaton tells that the automaton itself applies the waits of
	// AutomatonRule: they are evaluated and explained, but never chosen, so that
	// they neither hide another true rule nor keep the module in WAIT.
	Automaton bool
}

// busy tells whether nothing may be decided now.
func (v View) busy() bool {
	return v.Busy || v.Role.Status == ha.Transient && v.Role.State != ha.Wait
}

// bound is a View with the declarations of a set: what rules evaluate against.
type bound struct {
	View
	set  *Set
	over Map // assignments of this tick, not yet in Local
}

func (s *Set) bind(v View) bound { return bound{View: v, set: s} }

// Value implements rule.View.
func (b bound) Value(remote bool, r ha.Resource) string {
	values := b.Local
	if remote {
		if b.Peer.State == ha.Stop || b.Peer.State == ha.Unknown {
			return ha.ValueUnknown
		}
		values = b.Remote
	} else if v, ok := b.over[r]; ok {
		return v
	}
	if values == nil {
		return ha.ValueInit
	}
	if v := values.Value(r); v != "" {
		return v
	}
	return ha.ValueInit
}

// Members implements rule.View.
func (b bound) Members(class string) []string {
	declared := b.set.members[class]
	if class != "custom" || len(b.CustomIDs) == 0 {
		return declared
	}
	out := slices.Clone(declared)
	for _, id := range b.CustomIDs {
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

// ClusterUp implements rule.View.
func (b bound) ClusterUp() bool { return b.View.ClusterUp }

// Fact implements rule.View.
func (b bound) Fact(name string) bool {
	switch name {
	case rule.FactPrimary:
		return b.Role.State.Primary()
	case rule.FactSecondary:
		return b.Role.State == ha.Second || b.Role.State == ha.Wait && b.Peer.State.Primary()
	case rule.FactPeerCurrent:
		return b.Peer.State.Primary() &&
			b.Value(true, ha.Resource{Class: "rfs", ID: "uptodate"}) == ha.ValueUp &&
			b.Value(true, ha.Resource{Class: "rfs", ID: "degraded"}) != ha.ValueUp
	default:
		return false
	}
}
