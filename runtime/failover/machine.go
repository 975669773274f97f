package failover

import (
	"time"

	"github.com/safehold/safehold/runtime/failover/rule"
	"github.com/safehold/safehold/runtime/ha"
)

// Verdict is what one tick decided. The zero value asks for nothing.
type Verdict struct {
	// Assign lists resources to set now, as by `safekit set`, each once per
	// false to true edge of its rule.
	Assign []Assigned

	// Do is the action to execute now, VerbNone for none. In WAIT it is stop,
	// wakeup (no rule holds the module), or once per hold wait (log the line;
	// nothing is to be stopped).
	Do      ha.Verb
	Label   string // the rule behind Do, for the log and the detailed state
	Counted bool   // ask Loop.Count before executing Do; stop by maxloop when it refuses

	Waiting  []ha.Resource // in WAIT: resources still init that keep it Transient
	Hold     bool          // in WAIT: a stop or wait rule is true, do not leave
	NotReady bool          // in WAIT: the hold is old enough to show WAIT NotReady

	Pending      ha.Verb       // candidate whose handle time runs; VerbNone for none
	PendingLabel string        // the rule behind Pending
	Due          time.Duration // logical time from which Pending may be executed
}

// Assigned is an assignment with the rule that asked for it.
type Assigned struct {
	rule.Assignment
	Label string
}

// Machine keeps the clocks of one module's rules. One goroutine owns it.
type Machine struct {
	set     *Set
	pending candidate
	held    bool                // WAIT: the hold was announced
	edges   map[string]bool     // assignment rules that were true at the last tick
	since   map[string]standing // by label
}

type candidate struct {
	verb  ha.Verb
	since time.Duration
}

type standing struct {
	truth rule.Truth
	since time.Duration
}

// NewMachine starts with no rule true.
func NewMachine(s *Set) *Machine {
	m := &Machine{set: s}
	m.Reset()
	return m
}

// Reset forgets every clock and edge, as at a module start.
func (m *Machine) Reset() {
	m.pending, m.held = candidate{}, false
	m.edges, m.since = map[string]bool{}, map[string]standing{}
}

// Tick evaluates the rules once (failover-rules.md section 9.1). now is the
// logical time of the caller and never goes back.
func (m *Machine) Tick(now time.Duration, v View) Verdict {
	if v.Role.State == ha.Stop || v.Role.State == ha.Unknown {
		m.Reset()
		return Verdict{}
	}
	ev := m.set.bind(v)
	truths := m.set.evaluate(ev)
	var out Verdict
	if out.Assign = m.assign(truths); len(out.Assign) > 0 {
		ev.over = Map{}
		for _, a := range out.Assign {
			ev.over[a.Resource] = a.Value
		}
		truths = m.set.evaluate(ev)
	}
	m.observe(now, truths)
	if v.busy() {
		m.pending, m.held = candidate{}, false
		return out
	}
	d := m.set.decide(ev, truths)
	if v.Role.State == ha.Wait {
		m.wait(now, d, &out)
	} else {
		m.held = false
		m.mature(now, d, &out)
	}
	return out
}

// assign lists the assignment rules with a rising edge.
func (m *Machine) assign(truths []rule.Truth) []Assigned {
	var out []Assigned
	for i, e := range m.set.rules {
		if e.Action.Set == nil {
			continue
		}
		holds := truths[i] == rule.True
		if holds && !m.edges[e.Label] {
			out = append(out, Assigned{*e.Action.Set, e.Label})
		}
		m.edges[e.Label] = holds
	}
	return out
}

// observe remembers since when each rule is what it is.
func (m *Machine) observe(now time.Duration, truths []rule.Truth) {
	for i, e := range m.set.rules {
		if old, ok := m.since[e.Label]; !ok || old.truth != truths[i] {
			m.since[e.Label] = standing{truths[i], now}
		}
	}
}

// wait decides in WAIT: gate, hold or wake up.
func (m *Machine) wait(now time.Duration, d decision, out *Verdict) {
	if len(d.gate) > 0 || d.wakeup {
		m.pending, m.held = candidate{}, false
		out.Waiting = d.gate
		if d.wakeup {
			out.Do, out.Label = ha.VerbWakeup, LabelWakeup
		}
		return
	}
	out.Hold = true
	if m.held && d.verb == ha.VerbWait {
		m.pending = candidate{}
	} else {
		m.mature(now, d, out)
		m.held = m.held || out.Do == ha.VerbWait
	}
	out.NotReady = m.held
}

// mature runs the clock of the candidate and executes it when it is due
// (failover-rules.md section 9.4).
func (m *Machine) mature(now time.Duration, d decision, out *Verdict) {
	if d.verb == ha.VerbNone {
		m.pending = candidate{}
		return
	}
	if d.verb != m.pending.verb {
		m.pending = candidate{d.verb, now}
	}
	due := m.pending.since + m.set.handleTime
	if !d.urgent && now < due {
		out.Pending, out.PendingLabel, out.Due, out.Counted = d.verb, d.label, due, d.counted
		return
	}
	m.pending = candidate{}
	out.Do, out.Label, out.Counted = d.verb, d.label, d.counted
}
