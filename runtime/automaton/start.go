package automaton

import (
	"time"

	"github.com/safehold/safehold/plugins/api"
	"github.com/safehold/safehold/runtime/ha"
)

// gate is what the failover machine said in this WAIT.
type gate uint8

const (
	gateShut gate = iota // nothing yet, or a resource is still init
	gateHold
	gateOpen
)

// waiting is the state of a start.
type waiting struct {
	ready    bool // prestart is done
	gate     gate
	rule     string // of gateHold
	blocked  string // rule shown, while WAIT NotReady
	retryAt  time.Duration
	start    request // what was asked for
	swapBack bool    // defaultprim: take the role after the catch-up
	// sawUnknown: the loss of the peer was logged.
	sawUnknown bool
}

// The component rules (failover-rules.md section 8.4).
const (
	ruleNotUptodate = "rfs_notuptodate_server"
	ruleDegraded    = "degraded_server"
	ruleFlow        = "heart_flow_wait"
	ruleOff         = "failover-off"
	ruleForeign     = "configuration"
)

func isComponent(rule string) bool {
	return rule == ruleNotUptodate || rule == ruleDegraded || rule == ruleFlow
}

// start begins A1.
func (m *Machine) start(r request) {
	m.verb = r.verb
	retry := m.wait.retryAt
	m.wait = waiting{start: r, retryAt: retry, sawUnknown: m.wait.sawUnknown,
		swapBack: m.cfg.DefaultPrim == string(m.cfg.Local) || m.cfg.DefaultPrim == "lastprim" && m.facts.LastPrim}
	if r.fullSync {
		m.persist(func(f *Facts) { f.TakesFull = f.TakesFull || r.verb == ha.VerbSecond })
	}
	if !m.alive {
		m.alive = true
		m.persist(func(f *Facts) { f.Life++ })
	}
	m.become(ha.Wait, ha.Transient)
	if m.replicated() {
		m.resource("rfs", "uptodate", upDown(m.facts.UpToDate), "rfs")
		m.resource("rfs", "degraded", ha.ValueDown, "nfsadmin")
	}
	args := []string{"STOP", "WAIT", "start"}
	m.begin(true, sequence(
		scripts(edgeOf(ha.Stop, ha.Wait).after, args...),
		one(checkers(true, ClassPre), func(m *Machine) { m.wait.ready = true }),
	)...)
}

// settleWait decides how to leave WAIT.
func (m *Machine) settleWait() bool {
	switch {
	case !m.wait.ready || m.wait.gate == gateShut:
		return m.pending()
	case m.wait.gate == gateHold:
		return m.block(m.wait.rule)
	case m.cfg.Mode != ha.Mirror:
		m.goUp()
		return true
	case !m.visible() && !m.deaf(), m.replicated() && !m.data.up, m.now < m.wait.retryAt:
		return m.pending()
	case m.flowCut():
		return m.block(ruleFlow)
	case m.foreign() && !m.peerIs(ha.Stop):
		return m.block(ruleForeign)
	}
	switch m.verb {
	case ha.VerbPrim, ha.VerbPrimForce:
		return m.settlePrim()
	case ha.VerbSecond, ha.VerbSecondForce:
		return m.settleAsSecond()
	default:
		return m.settleStart()
	}
}

// pending stays WAIT Transient, or NotReady when already shown.
func (m *Machine) pending() bool { return false }

// block stays in WAIT NotReady and says why, once.
func (m *Machine) block(rule string) bool {
	if m.wait.blocked != rule {
		m.wait.blocked = rule
		m.sayBlocked(rule)
	}
	m.becomeBlocked()
	return false
}

func (m *Machine) sayBlocked(rule string) {
	switch rule {
	case ruleOff:
		m.logf(ha.Critical, "heart", "Failover-off configured")
		return
	case ruleForeign:
		return
	}
	m.logf(ha.Critical, "heart", "Action wait from failover rule %s", rule)
	if rule != ruleNotUptodate {
		return
	}
	if m.data.facts.Consistent {
		m.logf(ha.Event, "rfsplug", "Data may be not uptodate for replicated directories")
		m.logf(ha.Event, "rfsplug", "If you are sure that this server has valid data, run safekit prim to force start as primary")
		return
	}
	m.sayInconsistent()
}

func (m *Machine) sayInconsistent() {
	m.logf(ha.Event, "rfsplug", "Data may be inconsistent for replicated directories (stopped during reintegration)")
	m.logf(ha.Event, "rfsplug", "If you are sure that this server has valid data, run safekit primforce to force start as primary")
}

func (m *Machine) wakeup() {
	if m.wait.blocked != "" {
		m.wait.blocked = ""
		m.logf(ha.Info, "heart", "Action wakeup from failover rule Implicit_wakeup")
	}
	m.become(ha.Wait, ha.Transient)
}

// settleStart is the row start of states.md section 5.3.
func (m *Machine) settleStart() bool {
	p := m.peer.state
	switch {
	case m.peerPrimary() && p.Degraded:
		return m.block(ruleDegraded)
	case m.peerPrimary() && (p.Stopping || !p.Outdated.IsZero()), m.peerIs(ha.Second):
		return m.pending()
	case m.peerPrimary():
		return m.goSecond()
	case m.peerIs(ha.Wait):
		return m.settleElection()
	case !m.usable():
		return m.block(ruleNotUptodate)
	case m.cfg.FailoverOff && !m.facts.LastPrim:
		return m.block(ruleOff)
	default:
		return m.goAlone()
	}
}

func (m *Machine) settleElection() bool {
	switch m.election() {
	case mine:
		if m.cfg.FailoverOff && !m.facts.LastPrim && m.verb == ha.VerbStart {
			return m.block(ruleOff)
		}
		if m.peer.state.Stopping || m.mutual() {
			return m.goAlone()
		}
		return m.pending()
	case peers:
		return m.pending()
	default:
		return m.block(ruleNotUptodate)
	}
}

func (m *Machine) election() winner {
	self := candidate{PeerState: m.state(), usable: m.usable(), preferred: m.cfg.DefaultPrim == string(m.cfg.Local)}
	p := m.peer.state
	peer := candidate{PeerState: p, usable: !m.replicated() || p.UpToDate && p.Data.Consistent,
		preferred: m.cfg.DefaultPrim == string(m.cfg.Peer)}
	if m.replicated() && m.relation() == ha.Behind {
		self.usable = false
	}
	if m.replicated() && m.relation() == ha.Ahead {
		peer.usable = false
	}
	return elect(self, peer, m.relation())
}

// settlePrim is the rows prim and primforce.
func (m *Machine) settlePrim() bool {
	force := m.verb == ha.VerbPrimForce
	switch {
	case m.peerPrimary():
		return m.abortStart("prim", "the peer is already primary")
	case !force && m.replicated() && !m.consistent():
		m.sayInconsistent()
		return m.abortStart("prim", "data are inconsistent")
	case m.peerIs(ha.Second):
		return m.pending()
	case m.peerIs(ha.Wait) && (m.election() != mine || !m.mutual() && !m.peer.state.Stopping):
		return m.pending()
	default:
		return m.goAlone()
	}
}

// settleAsSecond is the rows second and secondforce.
func (m *Machine) settleAsSecond() bool {
	if m.peerPrimary() && (m.peer.state.Stopping || !m.peer.state.Outdated.IsZero()) {
		return m.pending()
	}
	if m.peerPrimary() {
		return m.goSecond()
	}
	return m.abortStart("second", "the peer is not primary")
}

func (m *Machine) abortStart(verb, why string) bool {
	m.logf(ha.Event, "rfsplug", "Requested %s start aborted: %s", verb, why)
	m.verb = ha.VerbStart
	m.request(request{verb: ha.VerbStop, who: "heart", quiet: true})
	return true
}

// goAlone is A2: this node becomes primary without its peer.
func (m *Machine) goAlone() bool {
	m.wakeup()
	r := m.wait.start
	force := m.verb == ha.VerbPrimForce
	if forcedStart := m.verb == ha.VerbPrim || force; forcedStart && (force || r.fullSync) {
		m.persist(func(f *Facts) { f.OwesFull = true })
	}
	m.becomeAlone(false)
	m.begin(true, sequence(
		one(primaryData(force), setVIP(true)),
		scripts(edgeOf(ha.Wait, ha.Alone).after, "WAIT", "ALONE", "start"),
		one(checkers(true, classesOf(ha.Alone)...), ready(ha.Alone)),
	)...)
	return true
}

// primaryData makes the data writable in a new generation.
func primaryData(force bool) step {
	return func(m *Machine) {
		if !m.replicated() {
			return
		}
		g := m.newGeneration()
		m.persist(func(f *Facts) { f.Taking = g })
		m.assign(api.Assignment{Role: api.DataPrimary, Epoch: m.facts.Epoch, Generation: g, Force: force,
			Sync: m.owed()}, (*Machine).primaryAssigned)
	}
}

func (m *Machine) primaryAssigned(ev DataDone) {
	if ev.Err != nil {
		m.localFault(ev.Err.Error())
		return
	}
	m.persist(func(f *Facts) { f.UpToDate, f.Taking = true, ha.Generation{} })
	m.resource("rfs", "uptodate", ha.ValueUp, "rfs")
	m.logf(ha.Event, "rfsplug", "Uptodate replicated file system")
}

// taken ends a takeover that a crash cut short: where the replicator has begun
// the generation, the data were made durable before.
func (m *Machine) taken() {
	g := m.facts.Taking
	if g.IsZero() {
		return
	}
	m.persist(func(f *Facts) {
		f.UpToDate = f.UpToDate || m.data.facts.History.Current == g
		f.Taking = ha.Generation{}
	})
}

func (m *Machine) newGeneration() ha.Generation {
	if m.mutant(KeepGeneration) {
		return m.data.facts.History.Current
	}
	return m.cfg.NewGeneration()
}

func (m *Machine) owed() api.SyncMode {
	if m.facts.OwesFull {
		return api.SyncFull
	}
	return api.SyncAuto
}

func ready(s ha.State) step { return func(m *Machine) { m.becomeReady(s) } }

// goUp is A3.
func (m *Machine) goUp() {
	m.wakeup()
	m.verb = ha.VerbNone
	m.become(ha.Up, ha.Transient)
	m.begin(true, sequence(
		one(setVIP(true)),
		scripts(m.ours(edgeOf(ha.Wait, ha.Up).after), "WAIT", "UP", "start"),
		one(checkers(true, classesOf(ha.Up)...), ready(ha.Up)),
	)...)
}
