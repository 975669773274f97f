package automaton

import (
	"slices"
	"time"

	"github.com/safehold/safehold/plugins/api"
	"github.com/safehold/safehold/runtime/ha"
)

// step is one part of a plan. It may leave the machine waiting for an answer.
type step func(*Machine)

// await is what the plan waits for: an answer with this seq, or a condition
// until a deadline.
type await struct {
	script   uint64
	data     uint64
	then     func(*Machine, DataDone) // of data
	cond     func(*Machine) bool
	deadline time.Duration
}

func (a await) on() bool { return a.script != 0 || a.data != 0 || a.cond != nil }

// begin replaces the plan.
func (m *Machine) begin(soft bool, steps ...step) {
	m.plan, m.soft, m.await = steps, soft, await{}
}

func (m *Machine) scriptDone(ev ScriptDone) {
	if ev.Seq != 0 && ev.Seq == m.await.script {
		m.await = await{}
	}
}

func (m *Machine) dataDone(ev DataDone) {
	m.data.facts = ev.Facts
	if ev.Seq == m.prim.detachSeq && ev.Seq != 0 {
		m.detached(ev)
		return
	}
	if ev.Seq != 0 && ev.Seq == m.await.data {
		then := m.await.then
		m.await = await{}
		then(m, ev)
	}
}

// checkAwait ends the wait for a condition that holds or is overdue.
func (m *Machine) checkAwait() {
	if m.await.cond != nil && (m.await.cond(m) || m.now >= m.await.deadline) {
		m.await = await{}
	}
}

// interrupt drops a soft plan when something stronger is asked for. A script or
// a request to the replicator is always waited for.
func (m *Machine) interrupt() {
	if m.req == nil || !m.soft || m.req.verb == ha.VerbSwap || m.req.verb == ha.VerbRestart {
		return
	}
	if m.await.script != 0 || m.await.data != 0 {
		return
	}
	m.begin(false)
}

func script(name string, args ...string) step {
	return func(m *Machine) {
		seq := m.nextSeq()
		m.await = await{script: seq}
		m.emit(RunScript{Seq: seq, Name: name, Args: args, Force: len(args) > 0 && args[0] == "force"})
	}
}

// scripts gives one step for each name, all with the same arguments.
func scripts(names []string, args ...string) []step {
	var out []step
	for _, n := range names {
		out = append(out, script(n, args...))
	}
	return out
}

func forced(names []string, args ...string) []step {
	return scripts(names, append([]string{"force"}, args...)...)
}

func until(cond func(*Machine) bool, limit func(*Machine) time.Duration) step {
	return func(m *Machine) { m.await = await{cond: cond, deadline: m.now + limit(m)} }
}

func checkers(on bool, classes ...Class) step {
	return func(m *Machine) {
		for _, c := range classes {
			m.emit(Checkers{c, on})
		}
	}
}

func setVIP(on bool) step { return func(m *Machine) { m.emit(SetVIP{on}) } }

// assign asks the replicator for a role; then is called with its answer.
func (m *Machine) assign(a api.Assignment, then func(*Machine, DataDone)) {
	seq := m.nextSeq()
	m.data.role, m.data.epoch = a.Role, a.Epoch
	m.await = await{data: seq, then: then}
	m.emit(Assign{seq, a})
}

func sequence(parts ...[]step) []step { return slices.Concat(parts...) }

func one(s ...step) []step { return s }
