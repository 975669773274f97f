package automaton

import (
	"time"

	"github.com/safehold/safehold/plugins/api"
	"github.com/safehold/safehold/runtime/ha"
)

// secondSide is the state of a secondary.
type secondSide struct {
	ready   bool // the data equal the primary's; the right to take over
	synced  bool // the catch-up ended, now or before
	up      bool // the scripts of the role ran
	doubt   bool // frozen since; the primary has to confirm
	ending  bool // the right is lost, the role is being left
	lostAt  time.Duration
	primary uint64 // incarnation of the primary followed
	// assigned: the replicator follows the primary.
	assigned bool
	bySwap   bool // came from PRIM: start_both runs already
	since    time.Duration
	ack      ha.Generation
	// handoverAt is the epoch of a handover refused.
	handoverAt uint64

	swapAsked  uint64
	swapNoSync bool
	swapUntil  time.Duration
	askedOnce  bool
}

// goSecond is A5: follow the peer.
func (m *Machine) goSecond() bool {
	m.wakeup()
	start := m.wait.start
	m.becomeSecond()
	m.prim = primSide{}
	m.second = secondSide{primary: m.peer.state.Incarnation, since: m.now}
	m.begin(true, sequence(
		scripts([]string{"transition"}, "WAIT", "SECOND", "start"),
		one(func(m *Machine) { m.follow(start) }),
	)...)
	return true
}

// follow assigns the data to the primary.
func (m *Machine) follow(start request) {
	if !m.replicated() {
		m.second.ready, m.second.synced, m.second.assigned = true, true, true
		return
	}
	if !m.peerPrimary() {
		return
	}
	a := api.Assignment{Role: api.DataSecondary, Epoch: m.peer.state.Epoch, GiveWay: m.relation() == ha.Diverged && !m.mutant(SkipGiveWay)}
	switch {
	case m.facts.TakesFull || start.fullSync:
		a.Sync = api.SyncFull
	case start.verb == ha.VerbSecondForce:
		a.Sync, a.Since = api.SyncSince, start.since
	case start.noSync:
		a.Sync = api.SyncNone
	}
	m.second.assigned = true
	m.persist(func(f *Facts) { f.Epoch = max(f.Epoch, a.Epoch) })
	m.assign(a, func(m *Machine, ev DataDone) {
		if ev.Err != nil {
			m.localFault(ev.Err.Error())
		}
	})
}

// answered uses what a primary says.
func (m *Machine) answered(s PeerState) {
	if m.role.State != ha.Second || s.Answer == 0 || s.Answer != m.peer.probe {
		return
	}
	explained := s.Stopping || s.Handover != nil
	if m.second.doubt && (s.Role.State.Primary() || explained) {
		m.second.doubt = false
	}
	if m.second.lostAt != 0 && m.second.ready && s.Role.State.Primary() && !explained {
		m.giveUpSecond("the primary does not replicate to this node any more")
	}
}

// guardSecond gives up the right to take over as soon as it is doubtful, even
// while a script runs.
func (m *Machine) guardSecond() {
	if m.visible() && m.peer.state.Outdated.IsZero() {
		m.second.ack = ha.Generation{}
	}
	if m.visible() && !m.peer.state.Outdated.IsZero() && !m.mutant(IgnoreOutdated) {
		m.ackOutdated(m.peer.state.Outdated)
	}
	s := &m.second
	if m.role.State != ha.Second || s.ending {
		return
	}
	switch {
	case m.replicated() && s.synced && m.peerPrimary() && !m.mutant(IgnoreOutdated) && !m.following():
		m.giveUpSecond("the primary went on without this node")
	case s.lostAt != 0 && m.now >= s.lostAt+m.cfg.PeerTimeout+m.cfg.HoldLimit:
		m.giveUpSecond("no replication from the primary")
	case m.flowCut():
		m.giveUpSecond("replication network is down")
	case s.swapAsked != 0 && m.now >= s.swapUntil:
		s.swapAsked = 0
	}
}

// following tells that this node's data are of the generation the primary writes.
func (m *Machine) following() bool {
	r := m.relation()
	return r == ha.Same || r == ha.NoData
}

// ackOutdated tells the primary that this node will not take over. The durable
// fact is down already while it is secondary.
func (m *Machine) ackOutdated(g ha.Generation) {
	if m.second.ack == g || m.role.State.Primary() || m.role.State == ha.Stop {
		return
	}
	m.setUpToDate(false)
	if m.role.State == ha.Second {
		m.giveUpSecond("the primary goes on without this node")
	}
	m.second.ack = g
	m.publish()
}

// giveUpSecond ends the right to take over at once, and the role as soon as the
// running script ends.
func (m *Machine) giveUpSecond(why string) {
	if m.role.State != ha.Second || m.second.ending {
		return
	}
	m.second.ready, m.second.ending, m.second.swapAsked = false, true, 0
	m.resource("rfs", "uptodate", ha.ValueDown, "rfs")
	if m.leave == nil {
		m.request(request{verb: ha.VerbStopStart, who: "heart: " + why, critical: true, internal: true})
	}
}

// guardStale: a node that waits and sees that it is behind is not up to date any more.
func (m *Machine) guardStale() {
	if m.role.State == ha.Wait && m.replicated() && m.visible() && m.data.up && m.relation() == ha.Behind &&
		!m.mutant(PromoteStale) {
		m.setUpToDate(false)
	}
}

// settleSecond follows the primary, and replaces it when it is gone.
func (m *Machine) settleSecond() bool {
	s := &m.second
	switch {
	case s.ending:
		return false
	case m.primaryGone():
		return m.replace()
	case !s.assigned:
		return m.assignLate()
	case s.synced && s.ready && !s.up:
		m.startSecond()
		return true
	case s.up && m.role.Status != ha.Ready:
		m.becomeReady(ha.Second)
		return true
	case s.up && m.role.Status == ha.Ready:
		return m.swapBack()
	default:
		return false
	}
}

// assignLate follows the new primary after a swap.
func (m *Machine) assignLate() bool {
	if m.peerPrimary() && m.peer.state.Epoch >= m.facts.Epoch {
		noSync := m.prim.handover != nil && m.prim.handover.NoSync
		m.prim.handover = nil
		m.second.primary = m.peer.state.Incarnation
		m.follow(request{noSync: noSync})
		return true
	}
	if m.now >= m.second.since+2*m.cfg.HoldLimit {
		m.giveUpSecond("the peer did not take the role")
		return true
	}
	return false
}

func (m *Machine) startSecond() {
	names := []string{"start_both", "start_second", "start_sec"}
	args := []string{"WAIT", "SECOND", "start"}
	if m.second.bySwap {
		names, args = []string{"start_second", "start_sec"}, []string{"PRIM", "SECOND"}
	}
	m.begin(true, sequence(scripts(names, args...),
		one(checkers(true, classesOf(ha.Second)...), func(m *Machine) { m.second.up = true }))...)
}

// primaryGone tells that the peer does not act as primary for this node.
func (m *Machine) primaryGone() bool {
	if m.second.bySwap && !m.second.assigned {
		return m.deaf() || m.peerIs(ha.Wait, ha.Stop)
	}
	return m.deaf() || m.visible() && !m.peer.state.Role.State.Primary()
}

// replace decides what follows from the loss of the primary.
func (m *Machine) replace() bool {
	s := &m.second
	if m.visible() && m.peer.state.Stopping && m.peer.state.Role.State.Primary() {
		return false
	}
	why, ok := m.mayTake()
	bySwap := m.visible() && m.peer.state.Handover != nil && m.peer.state.Handover.Swap
	switch {
	case ok && bySwap:
		m.takeBySwap()
	case m.cfg.FailoverOff && s.ready && !bySwap:
		m.failoverOff()
	case ok:
		m.takeOver(why)
	case s.doubt && !m.deaf():
		return false // the peer is asked and will answer, or its links go down
	default:
		if m.replicated() && !m.data.facts.Consistent {
			m.sayInconsistent()
		}
		m.giveUpSecond("primary lost")
	}
	return true
}

// mayTake tells whether this node may become primary now, and the key of the reason.
func (m *Machine) mayTake() (why string, ok bool) {
	s := &m.second
	p := m.peer.state
	if s.ending && !m.mutant(IgnoreOutdated) || s.doubt && !m.mutant(TrustFrozen) {
		return "", false
	}
	if m.replicated() && (!m.consistent() || !s.ready && !m.mutant(HandoverUnheard)) {
		return "", false
	}
	switch {
	case m.deaf():
		return "no heartbeat", true
	case !m.visible():
		return "", false
	case !m.replicated():
		return "remote stop", p.Role.State == ha.Wait || p.Role.State == ha.Stop || p.Handover != nil
	case p.Handover != nil:
		return "remote stop", p.Handover.Current == m.data.facts.History.Current && p.Handover.Epoch > m.facts.Epoch
	case p.Role.State == ha.Wait && p.Incarnation != s.primary:
		return "remote stop", m.relation() == ha.Same
	default:
		return "", false
	}
}

// failoverOff is M15.
func (m *Machine) failoverOff() {
	m.second.ready, m.second.ending = false, true
	m.logf(ha.Critical, "heart", "Failover-off configured")
	m.request(request{verb: ha.VerbStopStart, who: ruleOff, critical: true, internal: true})
	m.logf(ha.Critical, "heart", "Transition STOPSTART from failover-off")
}

// takeOver is A8. Until the role changes the takeover can be called off.
func (m *Machine) takeOver(why string) {
	m.becomeTransient()
	m.logf(ha.Critical, "heartplug", "Action alone called by heart: %s", why)
	before, after := m.takeScripts(ha.Alone)
	m.begin(true, sequence(
		one(checkers(false, ClassSecond)),
		scripts(before, "SECOND", "ALONE"),
		one(func(m *Machine) {
			if _, ok := m.mayTake(); !ok {
				m.plan = nil
				m.giveUpSecond("the primary is back")
				return
			}
			m.becomeAlone(true)
		}),
		one(primaryData(false), setVIP(true)),
		scripts(after, "SECOND", "ALONE"),
		one(checkers(true, classesOf(ha.Alone)...), ready(ha.Alone)),
	)...)
}

// takeScripts are those of a takeover. Where the scripts of the secondary did
// not run yet, there is nothing to stop and more to start.
func (m *Machine) takeScripts(to ha.State) (before, after []string) {
	e := edgeOf(ha.Second, to)
	up, bySwap := m.second.up, m.second.bySwap
	m.second.up = false
	if up {
		return e.before, e.after
	}
	_, start := running(to)
	if bySwap {
		start = start[1:] // start_both runs since before the swap
	}
	return nil, append([]string{"transition"}, start...)
}

// takeBySwap is A11.
func (m *Machine) takeBySwap() {
	h := *m.peer.state.Handover
	m.becomeTransient()
	m.logf(ha.Critical, "heart", "Begin of Swap")
	before, after := m.takeScripts(ha.Prim)
	m.begin(true, sequence(
		one(checkers(false, ClassSecond, ClassSec)),
		scripts(before, "SECOND", "PRIM"),
		one(func(m *Machine) {
			if _, ok := m.mayTake(); !ok {
				m.plan = nil
				m.giveUpSecond("swap called off")
				return
			}
			m.becomePrimSwap()
			m.prim.paired = true
			m.prim.expectUntil = m.now + 2*m.cfg.HoldLimit
		}),
		one(swapData(h), setVIP(true)),
		scripts(after, "SECOND", "PRIM"),
		one(checkers(true, classesOf(ha.Prim)...), ready(ha.Prim)),
	)...)
}

// swapData makes the data writable and goes on with the generation handed over.
func swapData(h Handover) step {
	return func(m *Machine) {
		if !m.replicated() {
			return
		}
		mode := api.SyncAuto
		if h.NoSync {
			mode = api.SyncNone
		}
		m.assign(api.Assignment{Role: api.DataPrimary, Epoch: m.facts.Epoch, Sync: mode}, (*Machine).primaryAssigned)
	}
}

// swapBack is M24: the node named by defaultprim asks for the role, once.
func (m *Machine) swapBack() bool {
	s := &m.second
	if s.askedOnce || s.bySwap || !m.wait.swapBack || !m.peerIs(ha.Prim) {
		return false
	}
	s.askedOnce = true
	m.logf(ha.Critical, "heart", "Transition SWAP from defaultprim")
	m.askSwap(false)
	return false
}

func (m *Machine) askSwap(noSync bool) {
	m.peer.probe++ // one counter numbers every question
	m.second.swapAsked, m.second.swapNoSync = m.peer.probe, noSync
	m.second.swapUntil = m.now + 4*m.cfg.HoldLimit
	m.logf(ha.Critical, "heart", "Begin of Swap")
}
