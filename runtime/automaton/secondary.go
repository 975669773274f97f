package automaton

import (
	"time"

	"github.com/safehold/safehold/plugins/api"
	"github.com/safehold/safehold/runtime/ha"
)

// secondSide is the state of a secondary.
type secondSide struct {
	ready   bool          // the data equal the primary's; the right to take over
	synced  bool          // the catch-up ended, now or before
	up      bool          // the scripts of the role ran
	doubt   bool          // frozen since; the primary has to confirm
	ending  bool          // the right is lost, the role is being left
	lostAt  time.Duration // the primary's connection broke then; 0: it has not
	flowAt  time.Duration // the replication network fell silent then; 0: it has not
	primary uint64        // incarnation of the primary followed
	// assigned: the replicator follows the primary.
	assigned bool
	bySwap   bool // came from PRIM: start_both runs already
	since    time.Duration
	ack      ha.Generation

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
	m.second.doubt = false
	since := m.second.brokenAt()
	if since == 0 || !m.second.ready || !s.Role.State.Primary() || s.Stopping || s.Handover != nil {
		return
	}
	if m.now < since+m.cfg.HoldLimit/2 {
		m.ask() // the primary may not know yet why; it waits longer than that before it goes on alone
		return
	}
	m.giveUpSecond("the primary does not replicate to this node any more")
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
	m.watchFlow()
	switch {
	case m.replicated() && s.synced && m.peerPrimary() && !m.mutant(IgnoreOutdated) && !m.following():
		m.giveUpSecond("the primary went on without this node")
	case s.brokenAt() != 0 && m.now >= s.brokenAt()+m.cfg.PeerTimeout+m.cfg.HoldLimit:
		m.giveUpSecond("no replication from the primary")
	case m.flowCut() && !s.ready:
		m.giveUpSecond("replication network is down")
	case s.swapAsked != 0 && m.now >= s.swapUntil:
		s.swapAsked = 0
	}
}

// watchFlow notices that the replication network is silent while another
// heartbeat is not. That is also how the death of the primary begins, since no
// two heartbeats fall silent at the same instant: it is asked, and only its
// answer costs this node the right to take over.
func (m *Machine) watchFlow() {
	s := &m.second
	switch {
	case !m.flowCut():
		s.flowAt = 0
	case s.flowAt == 0:
		s.flowAt = m.now
		m.ask()
	}
}

// brokenAt is when replication from the primary was first seen broken, 0: it is not.
func (s *secondSide) brokenAt() time.Duration {
	if s.lostAt == 0 || s.flowAt != 0 && s.flowAt < s.lostAt {
		return s.flowAt
	}
	return s.lostAt
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
