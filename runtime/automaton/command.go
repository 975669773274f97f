package automaton

import (
	"time"

	"github.com/safehold/safehold/runtime/failover"
	"github.com/safehold/safehold/runtime/ha"
)

// request is an action that was accepted and waits for its turn.
type request struct {
	verb     ha.Verb
	who      string
	critical bool // of the machine itself: logged as such
	internal bool // never reboots the host
	quiet    bool // already explained in the log
	maxloop  bool
	fullSync bool
	noSync   bool
	since    time.Time
	services string
}

// rank orders requests by strength; equal ones keep the first.
func rank(v ha.Verb) int {
	switch v {
	case ha.VerbForceStop:
		return 5
	case ha.VerbStop, ha.VerbShutdown:
		return 4
	case ha.VerbWait:
		return 3
	case ha.VerbStopStart:
		return 2
	default:
		return 1
	}
}

// request keeps the strongest request. A stop in progress takes it over: a
// stopstart becomes a stop.
func (m *Machine) request(r request) {
	if r.critical && r.who != "" && !r.quiet {
		m.logf(ha.Critical, "heartplug", "Action %v called by %s", r.verb, r.who)
	}
	if m.leave != nil {
		m.strengthen(r)
		return
	}
	if m.req == nil || rank(r.verb) > rank(m.req.verb) {
		m.req = &r
	}
	if r.verb == ha.VerbForceStop {
		m.killScript()
		m.plan = nil
		m.soft = true
	}
}

func (m *Machine) strengthen(r request) {
	if rank(r.verb) <= rank(m.leave.verb) {
		return
	}
	r.maxloop = r.maxloop || m.leave.maxloop
	m.leave.request = r
	if r.verb != ha.VerbForceStop {
		return
	}
	m.killScript()
	m.plan = m.leavePlan(true)
	if m.await.cond != nil {
		m.await = await{}
	}
}

func (m *Machine) killScript() {
	if m.await.script != 0 {
		m.emit(KillScript{m.await.script})
	}
}

// takeRequest begins what was asked for, when the plan is done.
func (m *Machine) takeRequest() bool {
	if m.req == nil {
		return false
	}
	r := *m.req
	m.req = nil
	switch r.verb {
	case ha.VerbRestart:
		if m.role.Status != ha.Ready {
			return false
		}
		m.restart(r)
	case ha.VerbSwap:
		return m.swap(r)
	default:
		m.leaveRole(r)
	}
	return true
}

// swap begins a swap on either side.
func (m *Machine) swap(r request) bool {
	switch {
	case m.role == ha.Role{State: ha.Prim, Status: ha.Ready} && m.canSwap():
		m.swapAway(r)
		return true
	case m.role == ha.Role{State: ha.Second, Status: ha.Ready} && m.peerIs(ha.Prim):
		m.askSwap(r.noSync)
	default:
		m.logf(ha.Event, "heart", "Swap called off: the peer is not ready")
	}
	return false
}

func (m *Machine) command(c Command) {
	m.setWall(c.At)
	if why := m.refusal(c); why != "" {
		m.emit(Refused{why})
		return
	}
	m.logCommand(c)
	r := request{verb: c.Verb, who: c.Who, fullSync: c.FullSync, noSync: c.NoSync, since: c.Since, services: c.Services}
	switch {
	case c.Identity == "" && !c.Boot:
		m.persist(func(f *Facts) { f.Loop = f.Loop.Reset(c.At) })
		m.showLoop()
	case c.Identity != "" && (c.Verb == ha.VerbRestart || c.Verb == ha.VerbStopStart) && !m.count():
		r = request{verb: ha.VerbStop, maxloop: true}
	}
	switch {
	case m.role.State != ha.Stop:
		m.request(r)
	case isStart(c.Verb):
		m.start(r)
	}
}

func isStart(v ha.Verb) bool {
	switch v {
	case ha.VerbStart, ha.VerbPrim, ha.VerbPrimForce, ha.VerbSecond, ha.VerbSecondForce:
		return true
	default:
		return false
	}
}

func (m *Machine) refusal(c Command) string {
	ready := m.role.Status == ha.Ready
	switch {
	case c.Verb == ha.VerbNone || c.Verb == ha.VerbWait || c.Verb == ha.VerbWakeup:
		return "not a command: " + c.Verb.String()
	case isStart(c.Verb) && m.role.State != ha.Stop:
		return "the module is not stopped; stop it first"
	case isStart(c.Verb) && c.Verb != ha.VerbStart && m.cfg.Mode != ha.Mirror:
		return c.Verb.String() + " is for mirror modules; use start"
	case c.Verb == ha.VerbSwap && m.role.State == ha.Prim && ready && !m.canSwap():
		return "the secondary can not take the role now; wait until it is SECOND Ready"
	case c.Verb == ha.VerbSwap && (!ready || m.role.State != ha.Prim && m.role.State != ha.Second):
		return "swap needs PRIM Ready or SECOND Ready; the module is " + m.role.String()
	case m.role.State == ha.Stop && (c.Verb == ha.VerbRestart || c.Verb == ha.VerbStopStart):
		return "the module is stopped; start it first"
	case m.role.State == ha.Stop && c.Verb == ha.VerbStop:
		return "the module is already stopped"
	case m.role.State == ha.Wait && c.Verb == ha.VerbRestart:
		return "nothing runs in WAIT; use stopstart"
	default:
		return ""
	}
}

func (m *Machine) logCommand(c Command) {
	switch {
	case c.Boot:
		m.logf(ha.User, "safekit", "Action start called at boot time")
	case c.Identity != "":
		m.logf(ha.Critical, "safekit", "Action %v called by %s", c.Verb, c.Identity)
	default:
		m.logf(ha.User, "safekit", "Action %v called by %s", c.Verb, c.Who)
	}
}

// count asks whether one more automatic action is allowed.
func (m *Machine) count() bool {
	next, allowed := m.facts.Loop.Count(m.wall(), failover.Limit{Max: m.cfg.MaxLoop, Interval: m.cfg.LoopInterval})
	m.persist(func(f *Facts) { f.Loop = next })
	m.showLoop()
	if !allowed {
		m.logf(ha.Critical, "heartplug", "Action stop called by maxloop")
	}
	return allowed
}

func (m *Machine) showLoop() {
	m.resource("heart", "stopstartloop", formatUnix(m.facts.Loop.Init), "heart")
	m.resource("heart", "maxloop", formatBool(m.facts.Loop.Stopped), "heart")
}

// automatic is an action the machine takes because something failed here.
func (m *Machine) automatic(r request) {
	m.logf(ha.Critical, "heartplug", "Action %v called by %s", r.verb, r.who)
	r.quiet = true
	if !m.count() {
		r = request{verb: ha.VerbStop, maxloop: true}
	}
	m.request(r)
}

// transitionName is the word of the Transition line, "" for what rules can not ask.
func transitionName(v ha.Verb) string {
	switch v {
	case ha.VerbWait:
		return "WAIT_TR"
	case ha.VerbStopStart:
		return "STOPSTART"
	case ha.VerbRestart:
		return "RESTART"
	case ha.VerbStop:
		return "STOP"
	case ha.VerbSwap:
		return "SWAP"
	default:
		return ""
	}
}

func (m *Machine) verdict(v Verdict) {
	m.setWall(v.At)
	if m.role.State == ha.Wait {
		m.verdictInWait(v)
		return
	}
	if m.role.Status != ha.Ready || isComponent(v.Rule) || transitionName(v.Verb) == "" || m.leave != nil {
		return
	}
	m.logf(ha.Critical, "heart", "Action %v from failover rule %s", v.Verb, v.Rule)
	r := request{verb: v.Verb}
	if v.Counted && !m.count() {
		m.request(request{verb: ha.VerbStop, maxloop: true})
		return
	}
	m.logf(ha.Critical, "heart", "Transition %s from failover rule %s", transitionName(v.Verb), v.Rule)
	m.request(r)
}

func (m *Machine) verdictInWait(v Verdict) {
	if m.leave != nil {
		return
	}
	switch {
	case v.Gate:
		m.wait.gate = gateShut
	case v.Verb == ha.VerbWait && !isComponent(v.Rule):
		m.wait.gate, m.wait.rule = gateHold, v.Rule
	case v.Verb == ha.VerbWait, v.Verb == ha.VerbWakeup:
		m.wait.gate = gateOpen
	case v.Verb == ha.VerbStop:
		m.logf(ha.Critical, "heart", "Action stop from failover rule %s", v.Rule)
		m.request(request{verb: ha.VerbStop})
	}
}
