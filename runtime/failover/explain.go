package failover

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/safehold/safehold/runtime/failover/rule"
	"github.com/safehold/safehold/runtime/ha"
)

// Explanation is one rule as it stands.
type Explanation struct {
	Label     string        `json:"label"`
	Text      string        `json:"text"` // the whole rule in the rule language
	Origin    Origin        `json:"origin"`
	Group     rule.Group    `json:"group"`
	Line      int           `json:"line,omitempty"` // of userconfig.xml, for user rules
	Truth     rule.Truth    `json:"truth"`
	Suspended bool          `json:"suspended,omitempty"` // by `safekit checker off`
	Since     time.Duration `json:"since"`               // logical time of the last change; 0 from Set.Explain
	Reads     []Reading     `json:"reads"`
}

// Reading is a resource the rule looks at, wildcards expanded.
type Reading struct {
	Remote   bool   `json:"remote,omitempty"`
	Resource string `json:"resource"`
	Value    string `json:"value"`
}

// Explain tells how every rule stands, in set order.
func (s *Set) Explain(v View) []Explanation {
	ev := s.bind(v)
	truths := s.evaluate(ev)
	out := make([]Explanation, len(s.rules))
	for i, e := range s.rules {
		out[i] = Explanation{Label: e.Label, Text: e.String(), Origin: e.origin, Group: e.Group, Line: e.Pos.Line,
			Truth: truths[i], Suspended: suspended(e, v), Reads: s.readings(e, ev)}
	}
	return out
}

// Explain is Set.Explain with the times of this machine's ticks.
func (m *Machine) Explain(v View) []Explanation {
	out := m.set.Explain(v)
	for i := range out {
		out[i].Since = m.since[out[i].Label].since
	}
	return out
}

func (s *Set) readings(e entry, ev bound) []Reading {
	var out []Reading
	for _, ref := range e.Refs() {
		for _, r := range s.expand(ref, ev.Members) {
			one := Reading{Remote: ref.Remote, Resource: r.String(), Value: ev.Value(ref.Remote, r)}
			if !slices.Contains(out, one) {
				out = append(out, one)
			}
		}
	}
	return out
}

// Change is a supposed value of a resource.
type Change struct {
	Remote   bool
	Resource ha.Resource
	Value    string
}

// ParseChange reads "[local.|remote.]class.id=value".
func ParseChange(s string) (Change, error) {
	name, value, ok := strings.Cut(s, "=")
	if !ok || !slices.Contains(rule.States(), value) {
		return Change{}, fmt.Errorf("change %q: want class.id=STATE with a state of %s", s, strings.Join(rule.States(), ", "))
	}
	rest, remote := strings.CutPrefix(name, "remote.")
	r, err := ha.ParseResource(strings.TrimPrefix(rest, "local."))
	if err != nil {
		return Change{}, fmt.Errorf("change %q: %w", s, err)
	}
	if !slices.Contains(rule.Classes(), r.Class) {
		return Change{}, fmt.Errorf("change %q: rules test no class %q", s, r.Class)
	}
	return Change{Remote: remote, Resource: r, Value: value}, nil
}

// Outcome is what would happen if the resources stayed as they are.
type Outcome struct {
	Do       ha.Verb       // VerbNone: nothing
	Label    string        // the rule behind Do
	Earliest time.Duration // after the change, when Do may come first
	Latest   time.Duration // and last: ticks come every Period
	Counted  bool          // Do counts in maxloop
	Hold     bool          // the module stays in WAIT
	Waiting  []ha.Resource // resources still init that keep the module in WAIT
	Assign   []Assigned    // resources the rules would set first
}

// String says it in one line for operators.
func (o Outcome) String() string {
	switch {
	case len(o.Waiting) > 0:
		names := make([]string, len(o.Waiting))
		for i, r := range o.Waiting {
			names[i] = r.String()
		}
		return "stays in WAIT until a value of " + strings.Join(names, ", ") + " is known"
	case o.Hold && o.Do == ha.VerbWait:
		return "held in WAIT by failover rule " + o.Label
	case o.Do == ha.VerbWakeup:
		return "wakeup from failover rule " + o.Label + ", at once"
	case o.Do == ha.VerbNone:
		return "no action"
	}
	s := fmt.Sprintf("%s from failover rule %s, %v to %v after the change", o.Do, o.Label, o.Earliest, o.Latest)
	if o.Counted {
		s += ", counted in maxloop"
	}
	return s
}

// Trial compares the rules now and after supposed changes.
type Trial struct {
	Before, After []Explanation
	Now, Then     Outcome
}

// Changed lists the labels whose truth the changes would alter.
func (t Trial) Changed() []string {
	var out []string
	for i := range t.Before {
		if t.Before[i].Truth != t.After[i].Truth {
			out = append(out, t.Before[i].Label)
		}
	}
	return out
}

// Try tells what would happen if some resources changed, everything else
// staying as in v. Nothing is executed and v is not altered.
func (s *Set) Try(v View, changes []Change) Trial {
	after := v
	local, remote := Map{}, Map{}
	after.CustomIDs = slices.Clone(v.CustomIDs)
	for _, c := range changes {
		if c.Remote {
			remote[c.Resource] = c.Value
			continue
		}
		local[c.Resource] = c.Value
		if c.Resource.Class == "custom" {
			after.CustomIDs = append(after.CustomIDs, c.Resource.ID)
		}
	}
	after.Local, after.Remote = supposed{local, v.Local}, supposed{remote, v.Remote}
	return Trial{Before: s.Explain(v), After: s.Explain(after), Now: s.outcome(v), Then: s.outcome(after)}
}

// outcome asks a fresh machine, so a tick and the real thing cannot differ.
func (s *Set) outcome(v View) Outcome {
	d := NewMachine(s).Tick(0, v)
	out := Outcome{Do: d.Do, Label: d.Label, Counted: d.Counted, Hold: d.Hold, Waiting: d.Waiting, Assign: d.Assign}
	if d.Pending != ha.VerbNone {
		out.Do, out.Label, out.Earliest = d.Pending, d.PendingLabel, d.Due
	}
	if out.Do != ha.VerbNone && out.Do != ha.VerbWakeup {
		out.Latest = out.Earliest + s.period
	}
	return out
}

// supposed shows changes over what is there.
type supposed struct {
	changes Map
	base    Values
}

// Value implements Values.
func (s supposed) Value(r ha.Resource) string {
	if v, ok := s.changes[r]; ok {
		return v
	}
	if s.base == nil {
		return ""
	}
	return s.base.Value(r)
}
