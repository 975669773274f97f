package automaton

import (
	"time"

	"github.com/safehold/safehold/runtime/failover"
	"github.com/safehold/safehold/runtime/ha"
)

// Machine is the automaton of one module. One goroutine owns it.
type Machine struct {
	cfg    Config
	faults Fault // of a mutant; none in production
	now    time.Duration
	out    []Effect
	seq    uint64 // of scripts and data requests

	facts Facts
	role  ha.Role
	verb  ha.Verb // what the module starts as, VerbNone when not starting

	// Work in progress: the rest of the plan, and what it waits for.
	plan  []step
	await await
	soft  bool // the plan may be dropped between two steps
	req   *request
	leave *leaving // the stop in progress

	wait   waiting
	peer   peering
	data   dataSide
	second secondSide
	prim   primSide

	alive     bool // this process was counted
	published PeerState
	wallAt    time.Time
	wallNow   time.Duration
	armed     time.Duration
}

// New makes the machine of a module in STOP. start is the time of the first Step at the earliest.
func New(c Config, f Facts, start time.Duration) *Machine {
	m := &Machine{cfg: c.withDefaults(), facts: f, now: start}
	m.resetPeer()
	return m
}

// Role is the local state.
func (m *Machine) Role() ha.Role { return m.role }

// Facts are the facts as last persisted.
func (m *Machine) Facts() Facts { return m.facts }

// Remote is the state of the peer as the log shows it.
func (m *Machine) Remote() ha.Role { return m.peer.shown }

// Step takes one event and returns what is to be done, in order.
func (m *Machine) Step(now time.Duration, ev Event) []Effect {
	m.out = nil
	m.passTime(now)
	m.observe(ev)
	m.guard()
	m.advance()
	if m.role.State != ha.Stop {
		m.publish()
	}
	m.arm()
	return m.out
}

// passTime notices that the node was frozen: what it believes about its peer
// may be over, and is asked again before it is used.
func (m *Machine) passTime(now time.Duration) {
	gap := now - m.now
	m.now = max(m.now, now)
	if m.role.State == ha.Stop || gap <= m.cfg.HoldLimit/2 {
		return
	}
	m.peer.thawed = m.now
	if m.role.State == ha.Second {
		m.second.doubt = true
		m.ask()
	}
}

func (m *Machine) observe(ev Event) {
	switch ev := ev.(type) {
	case Command:
		m.command(ev)
	case Verdict:
		m.verdict(ev)
	case Heard:
		m.hear(ev.State)
	case Link:
		m.link(ev)
	case ScriptDone:
		m.scriptDone(ev)
	case DataDone:
		m.dataDone(ev)
	case Data:
		m.dataEvent(ev.Event)
	case DataBack:
		m.dataBack(ev.Facts)
	case DataGone:
		m.dataGone(ev.Reason)
	case Setting:
		m.setting(ev)
	case Reconfigured:
		m.reconfigured(ev.Config)
	case ResetLoop:
		m.persist(func(f *Facts) { f.Loop.N, f.Loop.Stopped = 0, false })
	case CountLoop:
		next, _ := m.facts.Loop.Count(ev.At, failover.Limit{Max: m.cfg.MaxLoop, Interval: m.cfg.LoopInterval})
		m.persist(func(f *Facts) { f.Loop = next })
		m.showLoop()
	case Witness, Tick:
	}
}

func (m *Machine) setting(s Setting) {
	if s.Name == "failover" {
		m.cfg.FailoverOff = s.Value == "off"
	}
}

func (m *Machine) reconfigured(c Config) {
	c.Mode, c.Module, c.Local, c.Peer = m.cfg.Mode, m.cfg.Module, m.cfg.Local, m.cfg.Peer
	c.Incarnation, c.NewGeneration = m.cfg.Incarnation, m.cfg.NewGeneration
	m.cfg = c.withDefaults()
	m.relink()
}

// guard keeps the promises that cannot wait for a script to end.
func (m *Machine) guard() {
	if m.cfg.Mode != ha.Mirror {
		return
	}
	m.showRemote()
	m.guardPrimary()
	m.guardSecond()
	m.guardStale()
	m.guardRecovery()
}

// advance goes on with the plan, and asks what comes next when it is done.
func (m *Machine) advance() {
	for range 1000 {
		m.checkAwait()
		m.interrupt()
		if m.await.on() {
			return
		}
		if len(m.plan) > 0 {
			next := m.plan[0]
			m.plan = m.plan[1:]
			next(m)
			continue
		}
		if !m.settle() {
			return
		}
	}
	panic("automaton: no end of steps in " + m.role.String())
}

// settle decides what to do when no plan is left; false when nothing is to be done.
func (m *Machine) settle() bool {
	m.soft = false
	if m.role.State == ha.Stop {
		m.req = nil
		return false
	}
	if m.takeRequest() {
		return true
	}
	switch m.role.State {
	case ha.Wait:
		return m.settleWait()
	case ha.Alone, ha.Prim:
		return m.settlePrimary()
	case ha.Second:
		return m.settleSecond()
	default:
		return false
	}
}

// arm asks for the next tick: often while a promise depends on time.
func (m *Machine) arm() {
	if m.role.State == ha.Stop {
		return
	}
	at := m.now + m.cfg.HoldLimit/8
	if m.cfg.Mode != ha.Mirror {
		at = m.now + time.Hour // nothing depends on time
	}
	for _, d := range []time.Duration{m.await.deadline, m.wait.retryAt} {
		if d > m.now && d < at {
			at = d
		}
	}
	if at != m.armed {
		m.armed = at
		m.emit(Arm{at})
	}
}

func (m *Machine) emit(e Effect) { m.out = append(m.out, e) }

func (m *Machine) nextSeq() uint64 { m.seq++; return m.seq }

func (m *Machine) replicated() bool { return m.cfg.Mode == ha.Mirror && m.cfg.Replicated }

// usable tells whether the local data allow to be primary without asking anyone.
func (m *Machine) usable() bool {
	if !m.replicated() {
		return true
	}
	if m.mutant(PromoteStale) {
		return m.consistent() && !m.data.facts.History.Current.IsZero()
	}
	return m.facts.UpToDate && m.consistent()
}

func (m *Machine) consistent() bool { return m.data.facts.Consistent || m.mutant(PromoteInconsistent) }

func (m *Machine) relation() ha.Relation {
	if m.mutant(IgnoreGenerations) {
		return ha.Same
	}
	return ha.Compare(m.data.facts.History, m.peer.state.Data.History)
}
