package automaton

import (
	"fmt"
	"reflect"
	"time"

	"github.com/safehold/safehold/runtime/ha"
)

// become changes the role: the only place that does. It logs one line and tells
// the peer before anything else of the Step.
func (m *Machine) become(s ha.State, status ha.Status) {
	to := ha.Role{State: s, Status: status}
	if to == m.role {
		return
	}
	from := m.role
	m.role = to
	m.logf(ha.Event, "heart", "Local state %v", to)
	m.resource("state", "local", to.String(), "heart")
	m.emit(RoleChanged{from, to})
	m.publish()
}

func (m *Machine) becomeStop() {
	m.verb, m.leave = ha.VerbNone, nil
	m.become(ha.Stop, ha.NotReady)
	m.publish()
	m.resetPeer()
	m.wait, m.second, m.prim = waiting{}, secondSide{}, primSide{}
	m.armed = 0
}

// becomeWait enters WAIT Transient: the node gave up every role.
func (m *Machine) becomeWait() {
	m.second, m.prim = secondSide{ack: m.second.ack}, primSide{handover: m.prim.handover}
	m.become(ha.Wait, ha.Transient)
}

func (m *Machine) becomeBlocked() { m.become(ha.Wait, ha.NotReady) }

func (m *Machine) becomeTransient() { m.become(m.role.State, ha.Transient) }

// becomeAlone enters ALONE Transient. The facts say so first, so that a crash
// leaves a node that knows what it was.
func (m *Machine) becomeAlone(tookOver bool) {
	m.toPrimary(tookOver)
	m.become(ha.Alone, ha.Transient)
	m.settleLate()
}

// becomePrimSwap enters PRIM Transient by a swap: the generation goes on.
func (m *Machine) becomePrimSwap() {
	m.toPrimary(false)
	m.become(ha.Prim, ha.Transient)
	m.settleLate()
}

func (m *Machine) toPrimary(tookOver bool) {
	epoch := m.nextEpoch()
	if m.mutant(ForgetEpoch) {
		epoch = max(m.facts.Epoch, 1)
	}
	m.verb = ha.VerbNone
	m.wait.blocked = ""
	m.second = secondSide{}
	m.prim = primSide{}
	m.persistOr(func(f *Facts) {
		f.LastPrim, f.TookOver, f.Epoch, f.Taking = true, tookOver, epoch, ha.Generation{}
		f.LastRole = ha.Alone
	})
}

// nextEpoch is newer than every epoch either node was primary in.
func (m *Machine) nextEpoch() uint64 { return max(m.facts.Epoch, m.facts.Seen) + 1 }

// becomeSecond enters SECOND Transient. On disk the node is not up to date from
// here on until it is promoted.
func (m *Machine) becomeSecond() {
	m.verb = ha.VerbNone
	m.wait.blocked = ""
	m.persistOr(func(f *Facts) {
		f.Epoch = max(f.Epoch, m.peer.state.Epoch)
		if m.replicated() && !m.mutant(KeepUptodate) {
			f.UpToDate = false
		}
	})
	m.become(ha.Second, ha.Transient)
	m.settleLate()
}

// becomeReady ends the work of a role.
func (m *Machine) becomeReady(s ha.State) {
	m.persist(func(f *Facts) {
		f.LastRole = s
		f.LastPrim = s != ha.Second
		if s == ha.Prim {
			f.TookOver = false
		}
	})
	m.become(s, ha.Ready)
}

// persist changes the facts and makes them durable.
func (m *Machine) persist(change func(*Facts)) {
	f := m.facts
	change(&f)
	if f != m.facts {
		m.facts = f
		m.emit(Persist{f})
	}
}

// persistOr is persist before a publication.
func (m *Machine) persistOr(change func(*Facts)) {
	if !m.mutant(PersistLate) {
		m.persist(change)
		return
	}
	change(&m.facts)
}

// settleLate writes what persistOr of a mutant left out, too late.
func (m *Machine) settleLate() {
	if m.mutant(PersistLate) {
		m.emit(Persist{m.facts})
	}
}

// setUpToDate changes the durable flag and shows it.
func (m *Machine) setUpToDate(up bool) {
	if !m.replicated() || m.facts.UpToDate == up {
		return
	}
	m.persistOr(func(f *Facts) { f.UpToDate = up })
	m.resource("rfs", "uptodate", upDown(up), "rfs")
	m.publish()
	m.settleLate()
}

// publish tells the peer when there is something new.
func (m *Machine) publish() {
	if m.cfg.Mode != ha.Mirror {
		return
	}
	s := m.state()
	old := m.published
	s.Sequence, s.Version = old.Sequence, old.Version
	if reflect.DeepEqual(s, old) {
		return
	}
	content := s
	content.Echo, content.EchoOf = old.Echo, old.EchoOf
	s.Sequence++
	if !reflect.DeepEqual(content, old) {
		s.Version++
	}
	m.published = s
	m.emit(Publish{s})
}

// state is what the peer should know.
func (m *Machine) state() PeerState {
	f := m.facts
	s := PeerState{Incarnation: m.cfg.Incarnation, Life: f.Life, Signature: m.cfg.Signature, Epoch: f.Epoch, Role: m.role,
		Verb: m.verb, Stopping: m.leave != nil || m.prim.fault || m.prim.swapping, First: m.cfg.First, UpToDate: f.UpToDate,
		LastPrim: f.LastPrim, LastRole: f.LastRole, TookOver: f.TookOver, DataReady: m.second.ready,
		Echo: m.peer.state.Version, EchoOf: m.peer.state.Incarnation, Deaf: m.deaf(),
		Probe: m.peer.probe, Answer: m.peer.answer, Handover: m.prim.handover, Outdated: m.prim.outdated,
		OutdatedAck: m.second.ack, SwapAsked: m.second.swapAsked, SwapNoSync: m.second.swapNoSync,
		Data: m.data.facts}
	s.Data.DirtyBytes, s.Data.SyncedAt = 0, time.Time{}
	return s
}

func (m *Machine) logf(l ha.Level, origin, format string, args ...any) {
	m.emit(Log{l, origin, fmt.Sprintf(format, args...)})
}

func (m *Machine) resource(class, id, value, identity string) {
	m.emit(SetResource{ha.Resource{Class: class, ID: id}, value, identity})
}

func upDown(up bool) string {
	if up {
		return ha.ValueUp
	}
	return ha.ValueDown
}
