package failover

import (
	"testing"
	"time"

	"github.com/safehold/safehold/runtime/ha"
)

func TestStrongestFirst(t *testing.T) {
	c := withChecker(defaults(ha.Mirror),
		Checker{Class: "custom", Ident: "a", When: WhenPre, Action: NoAction})
	c.HandleTime = 0
	c.Sections = []Section{{Line: 1, Text: `
r1: if (custom.a == down) then restart();
r2: if (custom.a == down) then swap();
r3: if (custom.a == down) then stopstart();
r4: if (custom.b == down) then wait();
r5: if (custom.c == down) then stop();
r6: if (custom.c == down) then stop();`}}
	for _, tc := range []struct{ role, facts, want string }{
		{"PRIM Ready", "custom.a=down", "0 stopstart from r3 counted"},
		{"PRIM Ready", "custom.a=down custom.b=down", "0 wait from r4 counted"},
		{"SECOND Ready", "custom.a=down custom.b=down custom.c=down", "0 stop from r5"},
		{"WAIT Transient", "custom.a=down custom.b=down", "0 wait from r4"},
		{"WAIT Transient", "custom.a=down custom.b=down custom.c=down", "0 stop from r5"},
		{"WAIT Transient", "custom.a=down custom.b=up", "0 wakeup from Implicit_wakeup"},
	} {
		r := newRig(t, c, tc.role)
		for k, v := range parseMap(t, tc.facts) {
			r.local[k] = v
		}
		r.until(0)
		r.want(tc.want)
	}
}

func parseMap(t *testing.T, s string) Map {
	r := &rig{t: t, local: Map{}, now: 0, m: nil}
	r.at(0, s)
	return r.local
}

func TestSwapNeedsPeer(t *testing.T) {
	c := defaults(ha.Mirror)
	c.HandleTime = 0
	c.Sections = []Section{{Line: 1, Text: "s: if (custom.a == down) then swap(); r: if (custom.a == down) then restart();"}}
	for state, want := range map[string]string{"ALONE Ready": "0 restart from r counted", "PRIM Ready": "0 swap from s"} {
		r := newRig(t, c, state)
		r.local[res(t, "custom.a")] = "down"
		r.until(0)
		r.want(want)
	}
}

func TestTransientPostpones(t *testing.T) {
	r := newRig(t, withChecker(defaults(ha.Mirror), Checker{Class: "ping", Ident: "gw"}), "ALONE Ready")
	r.at(4, "ping.gw=down")
	r.until(16)
	r.become(16, "ALONE Transient")
	r.until(26)
	r.become(26, "ALONE Ready")
	r.until(44)
	r.want()
	r.until(45)
	r.want("45 wait from p_gw counted")
}

func TestBusyWaitDecidesNothing(t *testing.T) {
	r := newRig(t, defaults(ha.Mirror), "WAIT Transient")
	r.view.Busy = true
	r.until(20)
	r.want()
	r.view.Busy = false
	r.until(25)
	r.want("25 wakeup from Implicit_wakeup")
}

func TestStopForgets(t *testing.T) {
	r := newRig(t, withChecker(defaults(ha.Mirror), Checker{Class: "ping", Ident: "gw"}), "ALONE Ready")
	r.at(0, "ping.gw=down")
	r.until(10)
	r.become(11, "STOP NotReady")
	r.until(15)
	r.become(16, "ALONE Ready")
	r.until(34)
	r.want()
	r.until(35)
	r.want("35 wait from p_gw counted")
}

func TestExecutionClearsTheClock(t *testing.T) {
	r := newRig(t, withChecker(defaults(ha.Light), Checker{Class: "tcp", Ident: "a", When: WhenBoth}), "UP Ready")
	r.at(4, "tcp.a=down")
	r.until(45)
	r.want("20 restart from t_a counted", "40 restart from t_a counted")
}

func TestCheckersOff(t *testing.T) {
	c := withChecker(defaults(ha.Mirror), Checker{Class: "ping", Ident: "gw"})
	c.HasRFS = true
	r := newRig(t, c, "WAIT Transient")
	r.view.CheckersOff = true
	r.at(1, "rfs.uptodate=down ping.gw=init")
	r.until(20)
	r.want("20 wait from rfs_notuptodate_server")
	r.at(21, "rfs.uptodate=up ping.gw=down")
	r.want("21 wakeup from Implicit_wakeup")
	if e := r.m.Explain(r.view); !e[len(e)-1].Suspended {
		t.Errorf("p_gw is not suspended: %+v", e[len(e)-1])
	}
}

func TestComponentRules(t *testing.T) {
	c := defaults(ha.Mirror)
	c.HasRFS, c.SyncAt, c.FlowHeartbeat = true, true, true
	c.Declared = []ha.Resource{{Class: "heartbeat", ID: "default"}}
	s := mustSet(t, c)
	base := "rfs.uptodate=up rfs.syncat=up heartbeat.flow=up heartbeat.default=up "
	for _, tc := range []struct{ name, role, peer, local, remote, want string }{
		{"nothing wrong", "SECOND Ready", "PRIM Ready", base, "rfs.uptodate=up", ""},
		{"peer degraded", "SECOND Ready", "ALONE Ready", base, "rfs.degraded=up", LabelDegraded},
		{"peer degraded, seen from a primary", "PRIM Ready", "SECOND Ready", base, "rfs.degraded=up", ""},
		{"peer degraded long ago, now unknown", "SECOND Ready", "UNKNOWN Unknown", base, "rfs.degraded=up", ""},
		{"behind a degraded primary", "SECOND Ready", "ALONE Ready", base + "rfs.uptodate=down", "rfs.uptodate=up rfs.degraded=up", LabelNotUptodate},
		{"syncat on the secondary", "SECOND Ready", "PRIM Ready", base + "rfs.syncat=down", "", LabelSyncAt},
		{"syncat on the primary", "PRIM Ready", "SECOND Ready", base + "rfs.syncat=down", "", ""},
		{"flow lost on the secondary", "SECOND Ready", "PRIM Ready", base + "heartbeat.flow=down", "", LabelFlow},
		{"flow lost on the primary", "PRIM Ready", "SECOND Ready", base + "heartbeat.flow=down", "", ""},
		{"all heartbeats lost", "SECOND Ready", "UNKNOWN Unknown", base + "heartbeat.flow=down heartbeat.default=down", "", ""},
	} {
		v := View{Role: role(t, tc.role), Peer: role(t, tc.peer), Local: parseMap(t, tc.local), Remote: parseMap(t, tc.remote)}
		got := NewMachine(s).Tick(0, v)
		if got.PendingLabel != tc.want || got.Counted || got.Do != ha.VerbNone {
			t.Errorf("%s: %+v, want %q", tc.name, got, tc.want)
		}
	}
	v := View{Role: role(t, "WAIT Transient"), Peer: role(t, "ALONE Ready"), Local: parseMap(t, base+"rfs.syncat=down")}
	if got := NewMachine(s).Tick(0, v); !got.Hold {
		t.Errorf("syncat in WAIT beside a primary: %+v", got)
	}
	v.Peer = role(t, "UNKNOWN Unknown")
	if got := NewMachine(s).Tick(0, v); got.Hold {
		t.Errorf("syncat in WAIT without a primary: %+v", got)
	}
}

func TestAssignmentOncePerEdge(t *testing.T) {
	c := defaults(ha.Mirror)
	c.HasRFS, c.SyncDelta = true, 2*time.Minute
	c.Declared = []ha.Resource{{Class: "heartbeat", ID: "default"}}
	m := NewMachine(mustSet(t, c))
	v := View{Role: role(t, "WAIT Transient"), Peer: role(t, "UNKNOWN Unknown"),
		Local: parseMap(t, "rfs.uptodate=down rfs.synced=up heartbeat.default=down")}
	for i, want := range []int{1, 0, 0} {
		if got := m.Tick(time.Duration(i), v); len(got.Assign) != want {
			t.Errorf("tick %d: %+v", i, got.Assign)
		}
	}
	m.Tick(4, View{Role: v.Role, Peer: v.Peer, Local: parseMap(t, "rfs.uptodate=up")})
	if got := m.Tick(5, v); len(got.Assign) != 1 {
		t.Errorf("second edge: %+v", got.Assign)
	}
}

func TestSplitbrainActsOverAWeakerClock(t *testing.T) {
	c := withChecker(defaults(ha.Mirror), Checker{Class: "splitbrain", Ident: "w"}, Checker{Class: "custom", Ident: "x", When: WhenPre, Action: "stop"})
	r := newRig(t, c, "PRIM Ready")
	r.at(0, "custom.x=down")
	r.at(1, "splitbrain.uptodate=down")
	r.until(5)
	r.want("5 wait from splitbrain_failure counted")
	r.become(6, "WAIT Transient")
	r.until(25)
	r.want("25 stop from c_x")
}

func TestUndeclaredResourceDoesNotGate(t *testing.T) {
	c := defaults(ha.Mirror)
	c.Sections = []Section{{Line: 1, Text: "x: if (tcp.typo == down) then wait();"}}
	r := newRig(t, c, "WAIT Transient")
	r.until(0)
	r.want("0 wakeup from Implicit_wakeup")
	c.Sections[0].Text = "x: if (custom.by_command == down) then wait();"
	r = newRig(t, c, "WAIT Transient")
	r.until(0)
	r.want()
}

func TestCustomSetByCommandJoinsTheClass(t *testing.T) {
	c := defaults(ha.Mirror)
	c.HandleTime = 0
	c.Sections = []Section{{Line: 1, Text: "x: if (custom.? == down) then restart();"}}
	r := newRig(t, c, "ALONE Ready")
	r.local[res(t, "custom.hand")] = "down"
	r.until(0)
	r.want()
	r.view.CustomIDs = []string{"hand"}
	r.until(5)
	r.want("5 restart from x counted")
}

// TestAutomatonRulesHideNothing: with an automaton that decides about data
// itself, its rules neither gate nor hold nor stand before another wait rule.
func TestAutomatonRulesHideNothing(t *testing.T) {
	c := withChecker(defaults(ha.Mirror), Checker{Class: "ping", Ident: "gw"})
	c.HasRFS = true
	r := newRig(t, c, "WAIT Transient")
	r.view.Automaton = true
	r.at(1, "ping.gw=up")
	r.want("1 wakeup from Implicit_wakeup")
	r.at(2, "ping.gw=down rfs.uptodate=down")
	r.until(25)
	r.want("20 wait from p_gw")
	if got := truthOf(r.m.set, r.view, LabelNotUptodate); got.String() != "true" {
		t.Errorf("%s is explained as %v", LabelNotUptodate, got)
	}
}
