package automaton

import (
	"time"

	"github.com/safehold/safehold/plugins/api"
	"github.com/safehold/safehold/runtime/ha"
)

// leaving is a stop in progress: A16 to A20, then STOP or a new start.
type leaving struct{ request }

func (l leaving) action() string {
	switch l.verb {
	case ha.VerbWait:
		return "stopwait"
	case ha.VerbStopStart:
		return "stopstart"
	default:
		return "stop"
	}
}

func (l leaving) final() bool { return l.verb != ha.VerbWait && l.verb != ha.VerbStopStart }

// leaveRole begins a stop from any state.
func (m *Machine) leaveRole(r request) {
	m.leave = &leaving{r}
	m.verb, m.wait.blocked = ha.VerbNone, ""
	m.second.ready, m.second.ending, m.second.swapAsked = false, true, 0
	m.prim.swapping = false
	if m.role.State == ha.Second && m.replicated() {
		m.resource("rfs", "uptodate", ha.ValueDown, "rfs")
	}
	m.become(m.role.State, ha.Transient)
	if r.maxloop {
		m.logf(ha.Critical, "heartplug", "Action stop called by heart : local fault")
	}
	m.publish()
	m.begin(false, m.leavePlan(r.verb == ha.VerbForceStop)...)
}

func (m *Machine) leavePlan(force bool) []step {
	if m.role.State == ha.Wait {
		return m.endPlan()
	}
	from, action := m.role.State, m.leave.action()
	graceful, _ := running(from)
	stop := scripts(m.ours(graceful), from.String(), "WAIT", action)
	if force {
		stop = forced(m.ours(graceful), from.String(), "WAIT", action)
	}
	if m.mutant(SkipStopScripts) {
		stop = nil
	}
	release := one(releaseRole)
	if m.mutant(HandoverEarly) {
		stop, release = release, append(one(func(m *Machine) { m.become(ha.Wait, ha.Transient) }), stop...)
	}
	return sequence(
		one(checkers(false, classesOf(from)...)),
		stop,
		one(setVIP(false)),
		release,
		scripts(edgeOf(from, ha.Wait).after, from.String(), "WAIT", action),
		one((*Machine).becomeWait),
		m.endPlan(),
	)
}

// endPlan is A20. The action is that of the newest request.
func (m *Machine) endPlan() []step {
	e := edgeOf(ha.Wait, ha.Stop)
	action := m.leave.action()
	after := scripts(e.after, "WAIT", "STOP", action)
	if m.mutant(SkipPoststop) {
		after = after[1:]
	}
	return sequence(
		forced(m.ours(e.before), "WAIT", "STOP", action),
		one(until((*Machine).farewell, func(m *Machine) time.Duration { return m.cfg.HoldLimit / 2 })),
		one(func(m *Machine) {
			if m.leave.final() {
				m.emit(Checkers{ClassPre, false})
			}
		}),
		after,
		one((*Machine).stopped),
	)
}

// farewell: the peer knows that this node left.
func (m *Machine) farewell() bool {
	return m.cfg.Mode != ha.Mirror || !m.visible() || m.mutual()
}

// releaseRole takes the data away from the role: what is not with the secondary
// yet goes there, then the secondary may be given the role.
func releaseRole(m *Machine) {
	switch {
	case !m.replicated():
	case !m.role.State.Primary():
		if m.data.role != api.DataIdle && m.data.up {
			m.assign(api.Assignment{Role: api.DataIdle, Epoch: m.data.epoch}, func(*Machine, DataDone) {})
		}
	case m.data.role == api.DataIdle || !m.data.up:
		m.handOver(!m.data.facts.PeerBehind || m.prim.fault)
	case m.mutant(SkipDrain):
		m.handOver(true)
		m.publish()
		m.become(ha.Wait, ha.Transient)
		m.assign(api.Assignment{Role: api.DataIdle, Epoch: m.facts.Epoch}, func(*Machine, DataDone) {})
	default:
		m.drain(m.handOver)
	}
}

// handOver lets the secondary take the role. From then on this node is not up
// to date, on disk first.
func (m *Machine) handOver(complete bool) {
	p := &m.prim
	allowed := p.paired && p.outdated.IsZero() && !p.giveWay && !m.cfg.FailoverOff && m.peerIs(ha.Second) &&
		(!m.replicated() || m.peer.state.DataReady)
	if p.fault {
		complete = p.detachSeq == 0
	}
	if !allowed || !complete {
		return
	}
	m.setUpToDate(false)
	p.handover = &Handover{Epoch: m.nextEpoch(), Current: m.data.facts.History.Current, Fault: p.fault}
}

// stopped ends a stop.
func (m *Machine) stopped() {
	r := m.leave.request
	reboot := r.verb == ha.VerbStopStart && m.cfg.AutomaticReboot && !r.internal
	if m.leave.final() || reboot {
		if r.maxloop {
			m.logf(ha.Critical, "heartplug", "Action stop called by maxloop")
		}
		m.becomeStop()
		if reboot {
			m.emit(Reboot{})
		}
		return
	}
	m.leave = nil
	m.logf(ha.User, "heartplug", "Action start called automatically")
	m.start(request{verb: ha.VerbStart})
}

// restart is A12 to A15: the role stays.
func (m *Machine) restart(r request) {
	s := m.role.State
	m.becomeTransient()
	args := []string{s.String(), s.String()}
	if r.services != "" {
		args = append(args, "-Services", r.services)
	}
	stop, start := running(s)
	m.begin(true, sequence(
		one(checkers(false, classesOf(s)...)),
		scripts(stop, args...),
		forced(stop, args...),
		scripts(start, args...),
		one(checkers(true, classesOf(s)...), ready(s)),
	)...)
}
