package rule

import (
	"fmt"

	"github.com/safehold/safehold/runtime/ha"
)

// Group says what switches a rule off: `safekit checker off` suspends the rules
// of Checker; those of Component always stand (failover-rules.md section 8.1).
type Group string

// The groups.
const (
	Component Group = "component"
	Checker   Group = "checker"
)

// Pos is a place in the configuration text; lines and columns count from 1.
type Pos struct {
	Line   int `json:"line"`
	Column int `json:"column"`
}

// Rule is one rule: when Cond is true, Action is wanted.
type Rule struct {
	Label  string
	Cond   Node
	Action Action
	Group  Group
	Pos    Pos // of the label; zero for rules that no user wrote
}

// String gives the rule in the rule language, on one line.
func (r Rule) String() string {
	return fmt.Sprintf("%s: if (%s) then %s;", r.Label, r.Cond, r.Action)
}

// Eval tells whether the rule holds. A rule that needs a resource without a
// value yet is NotEvaluated as a whole, whatever its other branches say
// (failover-rules.md section 6).
func (r Rule) Eval(v View) Truth { return r.Cond.eval(v) }

// Refs lists the resources the condition reads, in reading order, duplicates
// included, wildcards as written.
func (r Rule) Refs() []Ref { return appendRefs(nil, r.Cond) }

// Action is what a rule asks for: a verb, or, in built-in rules only, the
// assignment of a value to a local resource. Exactly one of both is set.
type Action struct {
	Verb ha.Verb     // stop, stopstart, wait, restart or swap; VerbNone with Set
	Set  *Assignment // nil with a verb
}

// String gives the action as rules write it.
func (a Action) String() string {
	if a.Set != nil {
		return a.Set.String()
	}
	return a.Verb.String() + "()"
}

// Assignment sets a local resource.
type Assignment struct {
	Resource ha.Resource
	Value    string
}

// String gives resource=value.
func (a Assignment) String() string { return a.Resource.String() + "=" + a.Value }

// Statement is one thing a section says: a rule, or (Lua only) the removal of
// the rules collected so far under a label. Exactly one field but Pos is set.
type Statement struct {
	Rule    *Rule
	Disable string
	Pos     Pos
}

// Warning is a remark about text that was accepted.
type Warning struct {
	Line int
	Msg  string
}

// String gives the remark with its line.
func (w Warning) String() string {
	if w.Line == 0 {
		return w.Msg
	}
	return fmt.Sprintf("line %d: %s", w.Line, w.Msg)
}

// Verbs lists what a rule may ask for, strongest first (failover-rules.md section 9.3).
func Verbs() []ha.Verb {
	return []ha.Verb{ha.VerbStop, ha.VerbWait, ha.VerbStopStart, ha.VerbSwap, ha.VerbRestart}
}

// Classes lists the resource classes rules can test (failover-rules.md section 2.2).
func Classes() []string {
	return []string{"tcp", "ping", "intf", "ip", "custom", "module", "splitbrain", "heartbeat", "rfs", "proc"}
}

// States lists the values rules can compare with.
func States() []string {
	return []string{ha.ValueInit, ha.ValueUp, ha.ValueDown, ha.ValueUnknown}
}

// Test is the condition "resource == state", for rules made from a
// configuration rather than from text.
func Test(r ha.Resource, state string) Node {
	return &Binary{Op: "==", X: Ref{Resource: r}, Y: State{Value: state}}
}
