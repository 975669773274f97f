package supervisor

import (
	"fmt"
	"strings"
	"time"

	"github.com/safehold/safehold/runtime/automaton"
	"github.com/safehold/safehold/runtime/control"
	"github.com/safehold/safehold/runtime/failover"
	"github.com/safehold/safehold/runtime/ha"
)

// evaluate lets the failover machine look at the resources and passes its
// verdict on. The waits of replication and heartbeats are the automaton's own.
func (s *Supervisor) evaluate() {
	if s.local.State == ha.Stop {
		return
	}
	v := s.rules.Tick(now(), s.rulesView())
	for _, a := range v.Assign {
		s.setResource(a.Resource, a.Value, "failover rule "+a.Label, false, false)
	}
	if s.local.State == ha.Wait {
		s.verdictInWait(v)
		return
	}
	if v.Do != ha.VerbNone {
		s.rule = v.Label
		s.step(automaton.Verdict{Verb: v.Do, Rule: v.Label, Counted: v.Counted, At: time.Now()})
	}
}

// verdictInWait tells the automaton whether the start may go on.
func (s *Supervisor) verdictInWait(v failover.Verdict) {
	if s.script != nil {
		return // prestart or stop scripts run: nothing is decided
	}
	switch {
	case len(v.Waiting) > 0:
		s.waiting = "waiting for the first result of " + names(v.Waiting)
		s.step(automaton.Verdict{Gate: true})
	case v.Do == ha.VerbStop:
		s.rule = v.Label
		s.step(automaton.Verdict{Verb: ha.VerbStop, Rule: v.Label, At: time.Now()})
	case v.NotReady:
		if v.Label != "" {
			s.rule = v.Label
		}
		s.waiting = "failover rule " + s.rule
		s.step(automaton.Verdict{Verb: ha.VerbWait, Rule: s.rule, At: time.Now()})
	case v.Hold:
		s.waiting = "failover rule " + v.PendingLabel
		s.step(automaton.Verdict{Gate: true})
	case v.Do == ha.VerbWakeup:
		s.waiting = ""
		s.step(automaton.Verdict{Verb: ha.VerbWakeup, Rule: v.Label, At: time.Now()})
	}
}

func names(rs []ha.Resource) string {
	words := make([]string, len(rs))
	for i, r := range rs {
		words[i] = r.String()
	}
	return strings.Join(words, ", ")
}

func (s *Supervisor) rulesView() failover.View {
	return failover.View{
		Role: s.local, Busy: s.script != nil, Peer: s.remote,
		Local:       s.resources.Local(),
		Remote:      s.resources.Remote(),
		CustomIDs:   s.resources.IDs("custom"),
		CheckersOff: !s.setting("checker"),
		// The waits of replication and heartbeats are the automaton's own; whether
		// the cluster membership reaches the peer is not known here, so it counts
		// as reached: what would act on its absence does not.
		Automaton: true, ClusterUp: true,
	}
}

// rulesRequest explains the rule set in force, or what it would do if some
// resources had other values; it touches nothing.
func (s *Supervisor) rulesRequest(r control.Rules) (control.RulesView, error) {
	var changes []failover.Change
	for _, text := range r.Try {
		c, err := failover.ParseChange(text)
		if err != nil {
			return control.RulesView{}, err
		}
		changes = append(changes, c)
	}
	var b strings.Builder
	view := s.rulesView()
	if len(changes) > 0 {
		trial := s.ruleSet.Try(view, changes)
		fmt.Fprintf(&b, "now:  %v\nthen: %v\n", trial.Now, trial.Then)
		for _, label := range trial.Changed() {
			fmt.Fprintf(&b, "rule %s would change\n", label)
		}
		return control.RulesView{Text: b.String()}, nil
	}
	for _, e := range s.rules.Explain(view) {
		fmt.Fprintf(&b, "%-13s %s\n", e.Truth, e.Text)
		for _, reading := range e.Reads {
			side := "local"
			if reading.Remote {
				side = "remote"
			}
			fmt.Fprintf(&b, "              %s.%s is %s\n", side, reading.Resource, reading.Value)
		}
	}
	return control.RulesView{Text: b.String()}, nil
}
