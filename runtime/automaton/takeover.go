package automaton

import (
	"github.com/safehold/safehold/plugins/api"
	"github.com/safehold/safehold/runtime/ha"
)

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
