package automaton

import (
	"time"

	"github.com/safehold/safehold/plugins/api"
	"github.com/safehold/safehold/runtime/ha"
)

// primSide is the state of a primary.
type primSide struct {
	paired    bool // the generation being written is shared with the secondary
	lost      bool // the replicator lost the secondary and holds writes
	lostClean bool
	// outdated is the generation to begin without the peer, since then.
	outdated    ha.Generation
	since       time.Duration
	detachSeq   uint64
	expectUntil time.Duration // after a swap: the peer has to attach until then
	draining    bool
	swapping    bool
	fault       bool
	giveWay     bool          // split brain lost: no handover
	stayed      bool          // split brain won: logged
	metAt       time.Duration // since when the peer is seen as primary, too
	swapDone    uint64
	handover    *Handover
}

// guardPrimary lets a primary go on without its secondary: first the peer is
// told, then, when it knows or had time to know, the held writes are released
// in a new generation.
func (m *Machine) guardPrimary() {
	p := &m.prim
	if !m.role.State.Primary() || !p.paired || p.detachSeq != 0 || p.draining || p.fault {
		return
	}
	if !m.replicated() {
		if m.deaf() || m.visible() && !m.peerIs(ha.Second) {
			p.paired = false
			m.sayAlone()
		}
		return
	}
	if m.await.data != 0 || m.data.role != api.DataPrimary || p.outdated.IsZero() && !m.peerLost() {
		return
	}
	if p.outdated.IsZero() {
		p.outdated, p.since = m.newGeneration(), m.now
		if m.mutant(SkipOutdated) {
			m.detach()
			return
		}
		m.publish()
	}
	if m.mayDetach() {
		m.detach()
	}
}

// thawing: this node was frozen a moment ago, so silence proves nothing yet.
func (m *Machine) thawing() bool {
	return m.peer.thawed > 0 && m.now < m.peer.thawed+m.cfg.HoldLimit && !m.mutant(TrustFrozen)
}

func (m *Machine) peerLost() bool {
	p := &m.prim
	switch {
	case p.lost, m.flowCut(), m.peerLeft():
		return true
	case p.expectUntil != 0 && m.now >= p.expectUntil:
		return true
	default:
		return m.deaf() && !m.thawing()
	}
}

// peerLeft tells that the peer was equal and is secondary no more. A peer in
// WAIT with older data was heard before its catch-up ended: its heartbeat is
// late, not its end.
func (m *Machine) peerLeft() bool { return m.peerIs(ha.Wait, ha.Stop) && m.relation() == ha.Same }

// mayDetach tells whether the peer knows that it is behind, or can not be told.
func (m *Machine) mayDetach() bool {
	p, peer := &m.prim, m.peer.state
	switch {
	case m.peerPrimary() && peer.Epoch > m.facts.Epoch:
		return false // the peer replaced this node, which gives way
	case m.visible() && peer.OutdatedAck == p.outdated:
		return true
	case m.thawing():
		return false
	case p.lostClean, m.deaf():
		return true
	case m.peerLeft() && !peer.UpToDate && !peer.DataReady:
		return true
	default:
		return m.now >= p.since+m.cfg.HoldLimit && !m.mutant(SkipHoldLimit)
	}
}

func (m *Machine) detach() {
	p := &m.prim
	p.detachSeq = m.nextSeq()
	m.sayAlone()
	m.emit(Detach{p.detachSeq, p.outdated})
}

func (m *Machine) sayAlone() {
	if m.role.State != ha.Prim {
		return
	}
	why := "remote stop"
	switch {
	case m.deaf():
		why = "no heartbeat"
	case !m.peerIs(ha.Wait, ha.Stop):
		why = "no replication"
	}
	m.logf(ha.Critical, "heartplug", "Action alone called by heart: %s", why)
}

func (m *Machine) detached(ev DataDone) {
	m.prim.detachSeq = 0
	if ev.Err != nil {
		m.localFault(ev.Err.Error())
		return
	}
	m.unpair()
}

func (m *Machine) unpair() {
	p := &m.prim
	p.paired, p.lost, p.lostClean, p.outdated, p.expectUntil = false, false, false, ha.Generation{}, 0
}

// guardRecovery ends a split brain: of two primaries that see each other one goes.
func (m *Machine) guardRecovery() {
	p := &m.prim
	if !m.role.State.Primary() || !m.peerPrimary() {
		p.stayed, p.metAt = false, 0
		return
	}
	if p.metAt == 0 {
		p.metAt = m.now
	}
	rel := ha.NoData
	if m.replicated() {
		rel = m.relation()
	}
	if m.leave != nil || p.giveWay || m.mutant(BothStay) {
		return
	}
	if stays(m.state(), m.peer.state, rel) && !m.unheard(rel) {
		if !p.stayed {
			p.stayed = true
			m.logf(ha.Critical, "heart", "Split brain recovery: staying alone")
		}
		return
	}
	if rel != ha.Behind && (m.peer.state.Stopping || !m.introduced()) {
		return // the peer goes already, or has yet to see this node
	}
	p.giveWay = true
	m.logf(ha.Critical, "heart", "Split brain recovery: exiting alone")
	m.setUpToDate(false)
	m.request(request{verb: ha.VerbStopStart, internal: true})
}

// introduced: the peer has seen this node as primary, or had time to.
func (m *Machine) introduced() bool { return m.mutual() || m.now >= m.prim.metAt+m.cfg.HoldLimit }

// unheard: the peer is primary and does not hear this node, so it can not give
// way. Only this node can end the split brain.
func (m *Machine) unheard(rel ha.Relation) bool {
	return m.peer.deafAt != 0 && m.now >= m.peer.deafAt+m.cfg.HoldLimit && (rel == ha.Diverged || rel == ha.NoData)
}

// settlePrimary follows the peer's coming and going.
func (m *Machine) settlePrimary() bool {
	p := &m.prim
	switch {
	case m.role.State == ha.Prim && !p.paired && p.detachSeq == 0 && !p.fault:
		m.primToAlone()
	case m.role == ha.Role{State: ha.Alone, Status: ha.Ready} && m.peerFollows():
		m.aloneToPrim()
	case m.role == ha.Role{State: ha.Prim, Status: ha.Ready} && m.swapWanted():
		p.swapDone = m.peer.state.SwapAsked
		m.swapAway(request{noSync: m.peer.state.SwapNoSync})
	default:
		return false
	}
	return true
}

func (m *Machine) peerFollows() bool {
	if !m.peerIs(ha.Second) || m.peer.state.Role.Status != ha.Ready {
		return false
	}
	return !m.replicated() || m.prim.paired && m.prim.outdated.IsZero()
}

func (m *Machine) swapWanted() bool {
	asked := m.peer.state.SwapAsked
	return asked != 0 && asked != m.prim.swapDone && m.peerIs(ha.Second) && m.canSwap()
}

// aloneToPrim is A6.
func (m *Machine) aloneToPrim() {
	m.prim.paired = true
	e := edgeOf(ha.Alone, ha.Prim)
	m.begin(true, sequence(
		one(checkers(false, ClassSec)),
		scripts(e.before, "ALONE", "PRIM"),
		scripts(e.after, "ALONE", "PRIM"),
		one(ready(ha.Prim)),
	)...)
}

// primToAlone is A7.
func (m *Machine) primToAlone() {
	m.become(ha.Alone, ha.Transient)
	m.begin(true, sequence(
		scripts(edgeOf(ha.Prim, ha.Alone).after, "PRIM", "ALONE"),
		one(checkers(true, ClassSec), ready(ha.Alone)),
	)...)
}

// canSwap tells whether the peer can take the role right now.
func (m *Machine) canSwap() bool {
	p := &m.prim
	return m.peerIs(ha.Second) && p.paired && !p.lost && p.outdated.IsZero() && p.detachSeq == 0 && !p.fault &&
		(!m.replicated() || m.peer.state.DataReady)
}

// swapAway is A10: give the role to the secondary and become secondary.
func (m *Machine) swapAway(r request) {
	m.prim.swapping = true
	m.becomeTransient()
	m.logf(ha.Critical, "heart", "Begin of Swap")
	e := edgeOf(ha.Prim, ha.Second)
	m.begin(true, sequence(
		one(checkers(false, ClassPrim)),
		scripts(e.before, "PRIM", "SECOND"),
		forced(e.before, "PRIM", "SECOND"),
		one(setVIP(false), func(m *Machine) { m.drain(func(ok bool) { m.swapDrained(ok, r) }) }),
		scripts(e.after[:1], "PRIM", "SECOND"),
	)...)
}

// drain makes the replicator idle, which waits for the secondary. then is told
// whether the secondary has everything.
func (m *Machine) drain(then func(complete bool)) {
	p := &m.prim
	if !m.replicated() {
		then(m.canSwap())
		return
	}
	p.draining = true
	m.assign(api.Assignment{Role: api.DataIdle, Epoch: m.facts.Epoch}, func(m *Machine, ev DataDone) {
		p.draining = false
		then(ev.Err == nil && !ev.Facts.PeerBehind && m.canSwap())
	})
}

func (m *Machine) swapDrained(ok bool, r request) {
	if !ok {
		m.plan = nil
		m.prim.swapping = false
		m.request(request{verb: ha.VerbStopStart, who: "heart: swap called off", critical: true, internal: true})
		return
	}
	h := &Handover{Epoch: m.nextEpoch(), Current: m.data.facts.History.Current, Swap: true, NoSync: r.noSync}
	m.prim = primSide{handover: h}
	m.second = secondSide{bySwap: true, since: m.now}
	m.becomeSecond()
}
