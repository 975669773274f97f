package failover

import (
	"slices"
	"time"

	"github.com/safehold/safehold/runtime/failover/rule"
	"github.com/safehold/safehold/runtime/ha"
)

// Origin says who wrote a rule; the order is that of the set.
type Origin string

// The origins (failover-rules.md section 8.1).
const (
	OriginComponent Origin = "component"
	OriginDefault   Origin = "default"
	OriginGenerated Origin = "generated"
	OriginUser      Origin = "user"
)

// entry is a rule in a set.
type entry struct {
	rule.Rule
	origin Origin
	alias  string // older label that also disables or replaces the rule
}

// Set is the ordered rule set of one module. It never changes.
type Set struct {
	period     time.Duration
	handleTime time.Duration
	rules      []entry
	members    map[string][]string  // class -> declared ids, in order of declaration
	roleBound  map[ha.Resource]bool // resources whose checker does not run in WAIT
}

// Period is the time between two ticks.
func (s *Set) Period() time.Duration { return s.period }

// HandleTime is how long an action must stay the same before it is executed.
func (s *Set) HandleTime() time.Duration { return s.handleTime }

// Rules lists the rules in order, Implicit_wakeup left out.
func (s *Set) Rules() []rule.Rule {
	out := make([]rule.Rule, len(s.rules))
	for i, e := range s.rules {
		out[i] = e.Rule
	}
	return out
}

// Declares tells whether the configuration knows a resource.
func (s *Set) Declares(r ha.Resource) bool { return slices.Contains(s.members[r.Class], r.ID) }

// declare adds ids once, in order.
func (s *Set) declare(list []ha.Resource) {
	for _, r := range list {
		if !s.Declares(r) {
			s.members[r.Class] = append(s.members[r.Class], r.ID)
		}
	}
}

// expand lists the resources a reference stands for.
func (s *Set) expand(ref rule.Ref, members func(string) []string) []ha.Resource {
	if !ref.Wild() {
		return []ha.Resource{ref.Resource}
	}
	var out []ha.Resource
	for _, id := range members(ref.Class) {
		out = append(out, ha.Resource{Class: ref.Class, ID: id})
	}
	return out
}

// gate lists the resources that keep a module in WAIT because no value of them
// is known yet (failover-rules.md section 9.2): local, used by an enabled wait
// rule, not owned by a checker that cannot run in WAIT. A resource nobody can
// set (undeclared, and not custom) does not hold the module.
func (s *Set) gate(v View) []ha.Resource {
	var out []ha.Resource
	ev := s.bind(v)
	for _, e := range s.rules {
		if e.Action.Verb != ha.VerbWait || suspended(e, v) || elsewhere(e, v) {
			continue
		}
		for _, ref := range e.Refs() {
			if ref.Remote {
				continue
			}
			for _, r := range s.expand(ref, ev.Members) {
				if s.holds(r) && ev.Value(false, r) == ha.ValueInit && !slices.Contains(out, r) {
					out = append(out, r)
				}
			}
		}
	}
	return out
}

func (s *Set) holds(r ha.Resource) bool {
	return !s.roleBound[r] && (r.Class == "custom" || s.Declares(r))
}

// suspended tells whether `safekit checker off` silences the rule.
func suspended(e entry, v View) bool { return v.CheckersOff && e.Group == rule.Checker }

// elsewhere tells whether the automaton applies the rule.
func elsewhere(e entry, v View) bool { return v.Automaton && AutomatonRule(e.Label) }
