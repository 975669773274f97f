package automaton

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/safehold/safehold/plugins/api"
	"github.com/safehold/safehold/runtime/ha"
)

// The rows of states.md section 2 that a module walks, with the arguments of
// scripts.md section 2.
func TestScriptOrder(t *testing.T) {
	ready := func(s *PeerState) { s.DataReady = true }
	handover := func(swap bool) func(*PeerState) {
		return func(s *PeerState) {
			s.Handover = &Handover{Epoch: s.Epoch + 1, Current: s.Data.History.Current, Swap: swap}
		}
	}
	cmdOf := func(v ha.Verb) Command { return Command{Verb: v, Who: "root"} }
	for _, tc := range []struct {
		name string
		from string
		do   func(*rig)
		want string
	}{
		{"A1", "STOP NotReady", func(r *rig) { r.send(cmdOf(ha.VerbStart)) }, "transition STOP WAIT start; prestart STOP WAIT start"},
		{"A2", "WAIT Transient", func(r *rig) { r.down() },
			"transition WAIT ALONE start; start_both WAIT ALONE start; start_prim WAIT ALONE start; start_sec WAIT ALONE start"},
		{"A5", "WAIT Transient", func(r *rig) { r.up().peer("ALONE Ready").event(api.SyncDone) },
			"transition WAIT SECOND start; start_both WAIT SECOND start; start_second WAIT SECOND start; start_sec WAIT SECOND start"},
		{"A6", "ALONE Ready", func(r *rig) { r.up().event(api.PeerReady).peer("SECOND Ready", ready) }, "stop_sec ALONE PRIM; transition ALONE PRIM"},
		{"A7", "PRIM Ready", func(r *rig) { r.peer("WAIT Transient") }, "transition PRIM ALONE; start_sec PRIM ALONE"},
		{"A8", "SECOND Ready", func(r *rig) { r.peer("WAIT Transient", handover(false)) },
			"stop_second SECOND ALONE; transition SECOND ALONE; start_prim SECOND ALONE"},
		{"A8 no heartbeat", "SECOND Ready", func(r *rig) { r.down() },
			"stop_second SECOND ALONE; transition SECOND ALONE; start_prim SECOND ALONE"},
		{"A10", "PRIM Ready", func(r *rig) {
			r.send(cmdOf(ha.VerbSwap)).peer("PRIM Ready", func(s *PeerState) { s.Epoch = 9 }).event(api.SyncDone)
		}, "stop_prim PRIM SECOND; stop_prim force PRIM SECOND; transition PRIM SECOND; start_second PRIM SECOND; start_sec PRIM SECOND"},
		{"A11", "SECOND Ready", func(r *rig) { r.peer("SECOND Transient", handover(true)) },
			"stop_sec SECOND PRIM; stop_second SECOND PRIM; transition SECOND PRIM; start_prim SECOND PRIM"},
		{"A12", "ALONE Ready", func(r *rig) { r.send(cmdOf(ha.VerbRestart)) }, restartOf("ALONE", "sec prim both", "both prim sec")},
		{"A13", "PRIM Ready", func(r *rig) { r.send(cmdOf(ha.VerbRestart)) }, restartOf("PRIM", "prim both", "both prim")},
		{"A14", "SECOND Ready", func(r *rig) { r.send(cmdOf(ha.VerbRestart)) }, restartOf("SECOND", "sec second both", "both second sec")},
		{"A15", "UP Ready", func(r *rig) { r.send(cmdOf(ha.VerbRestart)) }, restartOf("UP", "both", "both")},
		{"A16", "ALONE Ready", func(r *rig) { r.send(cmdOf(ha.VerbStop)) }, stopOf("ALONE", "sec prim both", "stop")},
		{"A17", "UP Ready", func(r *rig) { r.send(cmdOf(ha.VerbStop)) },
			"stop_both UP WAIT stop; transition UP WAIT stop; stop_both force WAIT STOP stop; poststop WAIT STOP stop; transition WAIT STOP stop"},
		{"A18", "PRIM Ready", func(r *rig) { r.send(cmdOf(ha.VerbStop)).peer("ALONE Ready") }, stopOf("PRIM", "prim both", "stop")},
		{"A19", "SECOND Ready", func(r *rig) { r.send(cmdOf(ha.VerbStop)).peer("ALONE Ready") }, stopOf("SECOND", "sec second both", "stop")},
		{"A20", "WAIT NotReady", func(r *rig) { r.send(cmdOf(ha.VerbStop)) },
			"stop_sec force WAIT STOP stop; stop_prim force WAIT STOP stop; stop_second force WAIT STOP stop; " +
				"stop_both force WAIT STOP stop; poststop WAIT STOP stop; transition WAIT STOP stop"},
		{"errd restart", "ALONE Ready", func(r *rig) {
			r.send(Command{Verb: ha.VerbRestart, Identity: "errd", Services: "a, b"})
		}, strings.ReplaceAll(restartOf("ALONE", "sec prim both", "both prim sec"), "ALONE ALONE", "ALONE ALONE -Services a, b")},
		{"wait action", "ALONE Ready", func(r *rig) { r.send(Verdict{Verb: ha.VerbWait, Rule: "p_gw"}) },
			stopOf("ALONE", "sec prim both", "stopwait") + "; transition STOP WAIT start; prestart STOP WAIT start"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := at(t, tc.from)
			tc.do(r)
			if diff := cmp.Diff(strings.Split(tc.want, "; "), r.calls); diff != "" {
				t.Errorf("scripts (-want +got):\n%s", diff)
			}
		})
	}
}

// A3, and the rows no module walks here: WAIT to PRIM (a start always passes
// ALONE) and ALONE to SECOND (the primary role moves by a swap, from PRIM).
func TestScriptTable(t *testing.T) {
	for _, tc := range []struct {
		name     string
		from, to ha.State
		want     string
	}{
		{"A3", ha.Wait, ha.Up, "transition start_both"},
		{"A4", ha.Wait, ha.Prim, "transition start_both start_prim"},
		{"A9", ha.Alone, ha.Second, "stop_prim! transition start_second"},
	} {
		e := edgeOf(tc.from, tc.to)
		var got []string
		for _, b := range e.before {
			if e.twice {
				b += "!"
			}
			got = append(got, b)
		}
		if s := strings.Join(slices.Concat(got, e.after), " "); s != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, s, tc.want)
		}
	}
}

func restartOf(state, stop, start string) string {
	var out []string
	args := " " + state + " " + state
	for _, force := range []string{"", " force"} {
		for _, s := range strings.Fields(stop) {
			out = append(out, "stop_"+s+force+args)
		}
	}
	for _, s := range strings.Fields(start) {
		out = append(out, "start_"+s+args)
	}
	return strings.Join(out, "; ")
}

func stopOf(state, stop, action string) string {
	var out []string
	for _, s := range strings.Fields(stop) {
		out = append(out, "stop_"+s+" "+state+" WAIT "+action)
	}
	out = append(out, "transition "+state+" WAIT "+action)
	for _, s := range []string{"sec", "prim", "second", "both"} {
		out = append(out, "stop_"+s+" force WAIT STOP "+action)
	}
	return strings.Join(append(out, "poststop WAIT STOP "+action, "transition WAIT STOP "+action), "; ")
}
