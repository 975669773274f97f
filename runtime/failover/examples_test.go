package failover

import (
	"strings"
	"testing"
	"time"

	"github.com/safehold/safehold/runtime/failover/rule"
	"github.com/safehold/safehold/runtime/ha"
)

// The tests are the worked examples of failover-rules.md section 14, by number
// (14.1 is in package rule).

func withChecker(c Config, k ...Checker) Config {
	c.Checkers = append(c.Checkers, k...)
	return c
}

func TestExample14_2_DebouncedWait(t *testing.T) {
	r := newRig(t, withChecker(defaults(ha.Mirror), Checker{Class: "ping", Ident: "gw"}), "PRIM Ready")
	r.at(0, "ping.gw=up")
	r.at(12, "ping.gw=down")
	r.until(29)
	r.want()
	r.until(30)
	r.want("30 wait from p_gw counted")
	r.become(31, "PRIM Transient")
	r.until(36)
	r.become(38, "WAIT Transient")
	r.at(38, "ping.gw=init")
	if v := r.state(); len(v.Waiting) != 1 || v.Hold || v.NotReady {
		t.Errorf("gate: %+v", v)
	}
	r.at(41, "ping.gw=down")
	if v := r.state(); !v.Hold || v.NotReady || len(v.Waiting) > 0 {
		t.Errorf("held at once: %+v", v)
	}
	r.until(60)
	r.want("60 wait from p_gw")
	if v := r.state(); !v.Hold || !v.NotReady {
		t.Errorf("not ready: %+v", v)
	}
	r.until(100)
	r.want()
	r.at(101, "ping.gw=up")
	r.want("101 wakeup from Implicit_wakeup")
}

func TestExample14_3_Glitch(t *testing.T) {
	r := newRig(t, withChecker(defaults(ha.Mirror), Checker{Class: "ping", Ident: "gw"}), "PRIM Ready")
	r.at(0, "ping.gw=up")
	r.at(12, "ping.gw=down")
	r.at(22, "ping.gw=up")
	r.until(60)
	r.want()
}

func TestExample14_4_VerdictChange(t *testing.T) {
	r := newRig(t, withChecker(defaults(ha.Mirror), Checker{Class: "tcp", Ident: "web", When: WhenPrim},
		Checker{Class: "ip", Ident: "192.0.2.9"}), "ALONE Ready")
	r.at(0, "tcp.web=up ip.192.0.2.9=up")
	r.at(11, "tcp.web=down")
	r.at(24, "ip.192.0.2.9=down")
	r.until(40)
	r.want("40 stopstart from ip_failure counted")
}

func TestExample14_5_SameActionTwoRules(t *testing.T) {
	r := newRig(t, withChecker(defaults(ha.Mirror), Checker{Class: "ping", Ident: "gw"}, Checker{Class: "intf", Ident: "10.0.0.0"}), "PRIM Ready")
	r.at(0, "ping.gw=up intf.10.0.0.0=up")
	r.at(12, "ping.gw=down")
	r.at(22, "ping.gw=up intf.10.0.0.0=down")
	r.until(30)
	r.want("30 wait from interface_failure counted")
}

func TestExample14_6_Maxloop(t *testing.T) {
	lim := Limit{Max: 3, Interval: 24 * time.Hour}
	at := func(s string) time.Time {
		d, err := time.Parse("2006-01-02 15:04", s)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	count := func(l Loop, lim Limit, when string, n int, allowed bool) Loop {
		t.Helper()
		next, ok := l.Count(at(when), lim)
		if next.N != n || ok != allowed || next.Stopped == allowed {
			t.Errorf("%s: %+v, %v", when, next, ok)
		}
		return next
	}
	l := Loop{}.Reset(at("2026-01-01 09:59"))
	l = count(l, lim, "2026-01-01 10:00", 1, true)
	l = count(l, lim, "2026-01-01 10:05", 2, true)
	l = count(l, lim, "2026-01-01 10:10", 3, true)
	l = count(l, lim, "2026-01-01 10:15", 3, false)
	if l = l.Reset(at("2026-01-01 11:00")); l.N != 0 || l.Stopped {
		t.Errorf("administrator start: %+v", l)
	}
	l = count(Loop{}, lim, "2026-01-01 09:00", 1, true)
	l = count(l, lim, "2026-01-01 20:00", 2, true)
	l = count(l, lim, "2026-01-02 08:00", 3, true)
	l = count(l, lim, "2026-01-02 09:30", 1, true)
	if l.Init != at("2026-01-02 09:30").Unix() {
		t.Errorf("window opened at %d", l.Init)
	}
	l = Loop{}
	for n := range 50 {
		l = count(l, Limit{Max: 3}, "2026-01-01 09:00", n+1, true)
	}
}

func TestExample14_7_StartGate(t *testing.T) {
	c := withChecker(defaults(ha.Mirror), Checker{Class: "custom", Ident: "disk", When: WhenPre, Action: "wait"})
	r := newRig(t, c, "WAIT Transient")
	r.until(3600)
	r.want()
	if v := r.state(); len(v.Waiting) != 1 || v.Waiting[0].String() != "custom.disk" || v.NotReady {
		t.Errorf("never reports: %+v", v)
	}
	r.at(3601, "custom.disk=up")
	r.want("3601 wakeup from Implicit_wakeup")

	r = newRig(t, c, "WAIT Transient")
	r.at(1, "custom.disk=down")
	r.until(20)
	r.want("20 wait from c_disk")
	if v := r.state(); !v.NotReady {
		t.Errorf("reports down: %+v", v)
	}
}

func TestExample14_8_ReplaceDefault(t *testing.T) {
	c := withChecker(defaults(ha.Mirror), Checker{Class: "ip", Ident: "192.0.2.1"}, Checker{Class: "ip", Ident: "192.0.2.2"})
	c.Sections = []Section{
		{Text: "\n--Lua Rules\nRules.disable(\"ip_failure\")\n", Line: 10},
		{Text: "\nip_failure: if (ip.* == down) then stop();\n", Line: 13},
	}
	if _, warnings, err := NewSet(c); err != nil || len(warnings) != 0 {
		t.Errorf("%v, %v", warnings, err)
	}
	r := newRig(t, c, "PRIM Ready")
	r.at(0, "ip.192.0.2.1=up ip.192.0.2.2=up")
	r.at(6, "ip.192.0.2.1=down")
	r.until(100)
	r.want()
	r.at(101, "ip.192.0.2.2=down")
	r.until(120)
	r.want("120 stop from ip_failure")

	c.Sections = []Section{{Text: "--Lua Rules\nRules.disable(\"ip_failure\")\nip_failure: if (ip.* == down) then stop();", Line: 1}}
	if _, _, err := NewSet(c); err == nil || !strings.Contains(err.Error(), "rule text in a Lua section") {
		t.Errorf("mixed section: %v", err)
	}
}

func TestExample14_9_Farm(t *testing.T) {
	c := withChecker(defaults(ha.Farm), Checker{Class: "tcp", Ident: "http", When: WhenBoth})
	r := newRig(t, c, "UP Ready")
	r.at(1, "tcp.http=down")
	r.until(20)
	r.want("20 restart from t_http counted")
	c.Sections = []Section{{Text: "x: if (remote.tcp.http == down) then stop();", Line: 9}}
	if _, _, err := NewSet(c); err == nil || !strings.HasPrefix(err.Error(), "failover rule at line 9: ") {
		t.Errorf("remote in a farm: %v", err)
	}
}

func TestExample14_10_Replication(t *testing.T) {
	c := defaults(ha.Mirror)
	c.HasRFS = true
	r := newRig(t, c, "WAIT Transient")
	r.at(1, "rfs.uptodate=down rfs.degraded=down")
	r.until(20)
	r.want("20 wait from rfs_notuptodate_server")
	if v := r.state(); !v.NotReady || v.Counted {
		t.Errorf("%+v", v)
	}
	r.view.Peer = role(t, "ALONE Ready")
	r.view.Remote = Map{res(t, "rfs.uptodate"): "up"}
	r.at(23, "")
	r.want("23 wakeup from Implicit_wakeup")
	r.become(24, "SECOND Transient")
	r.until(60)
	r.view.Peer = role(t, "UNKNOWN Unknown")
	r.until(90)
	r.want()
	r.become(91, "WAIT Transient")
	r.until(110)
	r.want("110 wait from rfs_notuptodate_server")
}

func TestExample14_10_SyncDelta(t *testing.T) {
	c := defaults(ha.Mirror)
	c.HasRFS, c.SyncDelta = true, 10*time.Minute
	c.Declared = []ha.Resource{{Class: "heartbeat", ID: "default"}}
	r := newRig(t, c, "WAIT Transient")
	r.at(1, "rfs.uptodate=down rfs.synced=up heartbeat.default=init")
	r.until(25)
	r.want("20 wait from rfs_notuptodate_server")
	r.at(31, "heartbeat.default=down")
	r.want("31 set rfs.uptodate=up by rfs_forceuptodate", "31 wakeup from Implicit_wakeup")

	r = newRig(t, c, "WAIT Transient")
	r.at(1, "rfs.uptodate=down rfs.synced=down heartbeat.default=down")
	r.until(60)
	r.want("20 wait from rfs_notuptodate_server")
	r.view.ClusterUp = true
	r.at(61, "rfs.synced=up")
	r.until(90)
	r.want()
}

func TestExample14_11_Witness(t *testing.T) {
	c := withChecker(defaults(ha.Mirror), Checker{Class: "splitbrain", Ident: "witness"})
	r := newRig(t, c, "PRIM Ready")
	r.at(0, "splitbrain.uptodate=up")
	r.until(20)
	r.at(21, "splitbrain.uptodate=down")
	r.until(25)
	r.want("25 wait from splitbrain_failure counted")
	r.become(26, "WAIT Transient")
	r.until(30)
	r.want("30 wait from splitbrain_failure")
	r.until(60)
	r.want()
	r.at(61, "splitbrain.uptodate=up")
	r.want("61 wakeup from Implicit_wakeup")
}

func TestExample14_12_RoleBoundCustom(t *testing.T) {
	c := withChecker(defaults(ha.Mirror), Checker{Class: "custom", Ident: "app", When: WhenPrim, Action: "restart"})
	r := newRig(t, c, "SECOND Ready")
	r.at(0, "custom.app=init")
	r.until(60)
	r.want()
	if got := truthOf(r.m.set, r.view, "c_app"); got != rule.NotEvaluated {
		t.Errorf("on SECOND c_app is %v", got)
	}
	r.become(61, "ALONE Ready")
	r.at(62, "custom.app=down")
	r.until(80)
	r.want("80 restart from c_app counted")
	r.become(81, "ALONE Transient")
	r.at(82, "custom.app=init")
	r.become(90, "ALONE Ready")
	r.until(120)
	r.want()
}
