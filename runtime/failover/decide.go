package failover

import (
	"slices"

	"github.com/safehold/safehold/runtime/failover/rule"
	"github.com/safehold/safehold/runtime/ha"
)

// Applicable tells whether an executed action does something in a role
// (failover-rules.md section 7).
func Applicable(v ha.Verb, r ha.Role) bool {
	switch r.State {
	case ha.Wait:
		return v == ha.VerbStop || v == ha.VerbWait
	case ha.Alone, ha.Up:
		return r.Status == ha.Ready && v != ha.VerbSwap && slices.Contains(rule.Verbs(), v)
	case ha.Prim, ha.Second:
		return r.Status == ha.Ready && slices.Contains(rule.Verbs(), v)
	default:
		return false
	}
}

// decision is what the rules say at one moment, before any clock.
type decision struct {
	gate    []ha.Resource // in WAIT: why the module cannot leave yet
	verb    ha.Verb       // the candidate; VerbNone for none
	label   string        // first true rule, in set order, that carries it
	counted bool          // executing it counts in maxloop
	wakeup  bool          // in WAIT: nothing holds the module
	urgent  bool          // exempt from the handle time
}

// evaluate gives the truth of every rule, in set order; suspended rules are False.
func (s *Set) evaluate(ev bound) []rule.Truth {
	out := make([]rule.Truth, len(s.rules))
	for i, e := range s.rules {
		if !suspended(e, ev.View) {
			out[i] = e.Eval(ev)
		}
	}
	return out
}

// decide chooses among the true rules (failover-rules.md sections 9.1 to 9.3).
func (s *Set) decide(ev bound, truths []rule.Truth) decision {
	if ev.Role.State == ha.Wait {
		gated := ev.View
		gated.Local = overlay{ev}
		if gate := s.gate(gated); len(gate) > 0 {
			return decision{gate: gate}
		}
	}
	for _, verb := range rule.Verbs() {
		if !Applicable(verb, ev.Role) {
			continue
		}
		if e, ok := s.first(truths, verb, ev.View); ok {
			return s.urgent(truths, decision{verb: verb, label: e.Label, counted: counts(e, ev.Role)}, ev)
		}
	}
	return decision{wakeup: ev.Role.State == ha.Wait}
}

// first is the first true rule with a verb.
func (s *Set) first(truths []rule.Truth, verb ha.Verb, v View) (entry, bool) {
	for i, e := range s.rules {
		if truths[i] == rule.True && e.Action.Set == nil && e.Action.Verb == verb && !elsewhere(e, v) {
			return e, true
		}
	}
	return entry{}, false
}

// counts tells whether executing the rule counts in maxloop: checker rules that
// leave an active state by restart, stopstart or wait (failover-rules.md section 10).
func counts(e entry, r ha.Role) bool {
	v := e.Action.Verb
	return e.Group == rule.Checker && r.State != ha.Wait &&
		(v == ha.VerbRestart || v == ha.VerbStopStart || v == ha.VerbWait)
}

// urgent lets splitbrain_failure act at once, over a candidate that would still
// have to be stable: an isolated primary must not run on beside the new one
// (failover-rules.md section 9.4).
func (s *Set) urgent(truths []rule.Truth, d decision, ev bound) decision {
	for i, e := range s.rules {
		if e.Label != LabelSplitbrain || truths[i] != rule.True || !Applicable(e.Action.Verb, ev.Role) {
			continue
		}
		if e.Action.Verb == d.verb || ev.Role.State != ha.Wait {
			return decision{verb: e.Action.Verb, label: e.Label, counted: counts(e, ev.Role), urgent: true}
		}
	}
	return d
}

// overlay is Local seen through the assignments of the tick.
type overlay struct{ bound }

// Value implements Values.
func (o overlay) Value(r ha.Resource) string { return o.bound.Value(false, r) }
