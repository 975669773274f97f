package automaton

import "github.com/safehold/safehold/runtime/ha"

// edge is a change of role with the scripts it calls, in order (states.md
// section 2). before runs in the old role, after in the new one. twice: the
// before scripts run again with force.
type edge struct {
	from, to ha.State
	before   []string
	twice    bool
	after    []string
}

// edges are A1 to A11 and A16 to A20. Restarts (A12 to A15) come from running.
var edges = []edge{
	{ha.Stop, ha.Wait, nil, false, []string{"transition", "prestart"}},
	{ha.Wait, ha.Alone, nil, false, []string{"transition", "start_both", "start_prim", "start_sec"}},
	{ha.Wait, ha.Up, nil, false, []string{"transition", "start_both"}},
	{ha.Wait, ha.Prim, nil, false, []string{"transition", "start_both", "start_prim"}},
	{ha.Wait, ha.Second, nil, false, []string{"transition", "start_both", "start_second", "start_sec"}},
	{ha.Alone, ha.Prim, []string{"stop_sec"}, false, []string{"transition"}},
	{ha.Prim, ha.Alone, nil, false, []string{"transition", "start_sec"}},
	{ha.Second, ha.Alone, []string{"stop_second"}, false, []string{"transition", "start_prim"}},
	{ha.Alone, ha.Second, []string{"stop_prim"}, true, []string{"transition", "start_second"}},
	{ha.Prim, ha.Second, []string{"stop_prim"}, true, []string{"transition", "start_second", "start_sec"}},
	{ha.Second, ha.Prim, []string{"stop_sec", "stop_second"}, false, []string{"transition", "start_prim"}},
	{ha.Alone, ha.Wait, []string{"stop_sec", "stop_prim", "stop_both"}, false, []string{"transition"}},
	{ha.Up, ha.Wait, []string{"stop_both"}, false, []string{"transition"}},
	{ha.Prim, ha.Wait, []string{"stop_prim", "stop_both"}, false, []string{"transition"}},
	{ha.Second, ha.Wait, []string{"stop_sec", "stop_second", "stop_both"}, false, []string{"transition"}},
	{ha.Wait, ha.Stop, []string{"stop_sec", "stop_prim", "stop_second", "stop_both"}, false, []string{"poststop", "transition"}},
}

// edgeOf finds the edge between two states. There is always one for the pairs the machine uses.
func edgeOf(from, to ha.State) edge {
	for _, e := range edges {
		if e.from == from && e.to == to {
			return e
		}
	}
	return edge{from: from, to: to, after: []string{"transition"}}
}

// running lists the scripts of a state: those that stop it, those that start it.
func running(s ha.State) (stop, start []string) {
	switch s {
	case ha.Alone:
		return []string{"stop_sec", "stop_prim", "stop_both"}, []string{"start_both", "start_prim", "start_sec"}
	case ha.Prim:
		return []string{"stop_prim", "stop_both"}, []string{"start_both", "start_prim"}
	case ha.Second:
		return []string{"stop_sec", "stop_second", "stop_both"}, []string{"start_both", "start_second", "start_sec"}
	case ha.Up:
		return []string{"stop_both"}, []string{"start_both"}
	default:
		return nil, nil
	}
}

// classesOf lists the checkers bound to a state.
func classesOf(s ha.State) []Class {
	switch s {
	case ha.Alone:
		return []Class{ClassPrim, ClassBoth, ClassSec}
	case ha.Prim:
		return []Class{ClassPrim, ClassBoth}
	case ha.Second:
		return []Class{ClassSecond, ClassBoth, ClassSec}
	case ha.Up:
		return []Class{ClassBoth}
	default:
		return nil
	}
}

// ours drops scripts a farm or light module does not have (states.md section 2, notes).
func (m *Machine) ours(names []string) []string {
	if m.cfg.Mode == ha.Mirror {
		return names
	}
	var out []string
	for _, n := range names {
		switch n {
		case "stop_sec", "stop_prim", "stop_second", "start_sec", "start_prim", "start_second":
		default:
			out = append(out, n)
		}
	}
	return out
}
