package automaton

import (
	"slices"
	"time"

	"github.com/safehold/safehold/runtime/ha"
)

// linkState is what is known of a heartbeat.
type linkState uint8

const (
	linkUnknown linkState = iota
	linkDown
	linkUp
)

// peering is what the node knows of its peer.
type peering struct {
	links map[string]linkState
	state PeerState // the newest accepted; zero when never heard
	// fresh: heard since the last time all links were down.
	fresh   bool
	retired []uint64 // incarnations that ended
	shown   ha.Role
	probe   uint64
	answer  uint64
	deafAt  time.Duration // since when the peer says it does not hear us; 0: it does
	thawed  time.Duration // when this node was last frozen
	warned  string        // foreign signature already logged
}

func (m *Machine) resetPeer() {
	m.peer = peering{links: map[string]linkState{}, retired: m.peer.retired,
		probe: m.peer.probe, shown: ha.Role{State: ha.Unknown, Status: ha.StatusUnknown}}
	m.relink()
}

// relink follows the configured heartbeats.
func (m *Machine) relink() {
	old := m.peer.links
	m.peer.links = map[string]linkState{}
	for _, l := range m.cfg.Links {
		m.peer.links[l] = old[l]
	}
}

func (m *Machine) link(ev Link) {
	old, known := m.peer.links[ev.Ident]
	if !known || m.role.State == ha.Stop {
		return
	}
	next := linkDown
	if ev.Up {
		next = linkUp
	}
	if next == old {
		return
	}
	m.peer.links[ev.Ident] = next
	level := ha.Info
	if !ev.Up {
		level = ha.Event
	}
	m.logf(level, "heart", "Resource heartbeat.%s set to %s by heart", ev.Ident, upDown(ev.Up))
	m.resource("heartbeat", ev.Ident, upDown(ev.Up), "heart")
	if m.deaf() {
		m.peer.fresh, m.peer.deafAt = false, 0
	}
}

// deaf tells that every heartbeat is known to be down.
func (m *Machine) deaf() bool {
	for _, s := range m.peer.links {
		if s != linkDown {
			return false
		}
	}
	return true
}

// visible tells that the newest state of the peer is known and current.
func (m *Machine) visible() bool { return m.peer.fresh && !m.deaf() }

// flowCut: the replication's heartbeat is down while another one is up.
func (m *Machine) flowCut() bool {
	if m.cfg.FlowLink == "" || m.peer.links[m.cfg.FlowLink] != linkDown {
		return false
	}
	for _, s := range m.peer.links {
		if s == linkUp {
			return true
		}
	}
	return false
}

func (m *Machine) hear(s PeerState) {
	if m.role.State == ha.Stop || m.cfg.Mode != ha.Mirror || !m.acceptable(s) {
		return
	}
	if old := m.peer.state.Incarnation; old != 0 && old != s.Incarnation {
		m.peer.retired = append(m.peer.retired, old)
		if n := len(m.peer.retired); n > 16 {
			m.peer.retired = slices.Clone(m.peer.retired[n-16:])
		}
	}
	m.peer.state, m.peer.fresh = s, true
	if s.Epoch > m.facts.Seen {
		m.persist(func(f *Facts) { f.Seen = s.Epoch })
	}
	if s.Probe != 0 {
		m.peer.answer = s.Probe
	}
	switch {
	case !s.Deaf:
		m.peer.deafAt = 0
	case m.peer.deafAt == 0:
		m.peer.deafAt = m.now
	}
	m.warnForeign(s)
	m.answered(s)
}

// acceptable refuses what is older than what was heard.
func (m *Machine) acceptable(s PeerState) bool {
	last := m.peer.state
	if s.Incarnation == 0 || s.Incarnation == m.cfg.Incarnation {
		return false
	}
	if m.mutant(AcceptOld) {
		return true
	}
	if s.Incarnation != last.Incarnation {
		// A process with a lower count is older, unless the node was installed
		// anew, which takes longer than its heartbeats stay up.
		return !slices.Contains(m.peer.retired, s.Incarnation) && (s.Life > last.Life || !m.peer.fresh)
	}
	return (s.Sequence > last.Sequence && s.Epoch >= last.Epoch) || (s.Sequence == last.Sequence && !m.peer.fresh)
}

// foreign tells that the peer runs another configuration.
func (m *Machine) foreign() bool { return m.visible() && m.peer.state.Signature != m.cfg.Signature }

func (m *Machine) warnForeign(s PeerState) {
	if s.Signature == m.cfg.Signature || s.Signature == m.peer.warned {
		return
	}
	m.peer.warned = s.Signature
	m.logf(ha.Event, "heart", "Configuration differs between the nodes: local %q, remote %q; apply the same configuration on both",
		m.cfg.Signature, s.Signature)
}

// ask begins a round trip: the peer's answer proves what it is now.
func (m *Machine) ask() { m.peer.probe++ }

// mutual tells that the peer has heard the present state of this node, so that
// both decide on the same facts.
func (m *Machine) mutual() bool {
	m.publish()
	p := m.peer.state
	return p.EchoOf == m.cfg.Incarnation && p.Echo == m.published.Version
}

// showRemote logs a change of the peer's role.
func (m *Machine) showRemote() {
	role := ha.Role{State: ha.Unknown, Status: ha.StatusUnknown}
	switch {
	case m.role.State == ha.Stop:
		return
	case m.visible():
		role = m.peer.state.Role
	case !m.deaf():
		return
	}
	if role == m.peer.shown && (role.State != ha.Unknown || m.wait.sawUnknown) {
		return
	}
	m.wait.sawUnknown = true
	lost := role.State == ha.Unknown && m.peer.shown.State == ha.Second && m.role.State == ha.Alone
	m.peer.shown = role
	m.logf(ha.Event, "heart", "Remote state %v", role)
	m.resource("state", "remote", role.String(), "heart")
	if lost {
		m.logf(ha.Critical, "heartplug", "Action alone called by heart: no heartbeat")
	}
}

func (m *Machine) peerIs(states ...ha.State) bool {
	return m.visible() && slices.Contains(states, m.peer.state.Role.State)
}

func (m *Machine) peerPrimary() bool { return m.visible() && m.peer.state.Role.State.Primary() }
