package automaton

import (
	"strings"
	"testing"
	"time"

	"github.com/safehold/safehold/plugins/api"
	"github.com/safehold/safehold/runtime/ha"
)

// rig drives one machine: scripts end and data requests succeed at once.
type rig struct {
	t       testing.TB
	m       *Machine
	now     time.Duration
	data    api.DataFacts
	seq     uint64 // of the peer's states
	held    bool   // scripts do not end by themselves
	waiting []uint64
	path    []ha.Role
	calls   []string
	effects []Effect
}

func gen(b byte) ha.Generation { return ha.Generation{b} }

func newRig(t testing.TB, mode ha.Mode, f Facts) *rig {
	n := byte(100)
	c := Config{Module: "m", Mode: mode, Local: "n1", Peer: "n2", First: true, Replicated: mode == ha.Mirror,
		Signature: "s", MaxLoop: 3, LoopInterval: time.Hour, Incarnation: 1,
		NewGeneration: func() ha.Generation { n++; return gen(n) }}
	if mode == ha.Mirror {
		c.Links = []string{"a"}
	}
	r := &rig{t: t, m: New(c, f, 0), data: api.DataFacts{Consistent: true, Clean: true, History: ha.History{Current: gen(1)}}}
	r.send(DataBack{r.data})
	return r
}

// send steps the event and everything that follows from it.
func (r *rig) send(ev Event) *rig {
	r.t.Helper()
	r.now += 10 * time.Millisecond
	queue := []Event{ev}
	for len(queue) > 0 {
		ev := queue[0]
		queue = queue[1:]
		for _, e := range r.m.Step(r.now, ev) {
			r.effects = append(r.effects, e)
			queue = append(queue, r.follow(e)...)
		}
		if !r.m.Role().Legal() {
			r.t.Fatalf("%v after %T", r.m.Role(), ev)
		}
	}
	return r
}

func (r *rig) follow(e Effect) []Event {
	switch e := e.(type) {
	case RunScript:
		r.calls = append(r.calls, strings.TrimSpace(e.Name+" "+strings.Join(e.Args, " ")))
		if r.held {
			r.waiting = append(r.waiting, e.Seq)
			return nil
		}
		return []Event{ScriptDone{Seq: e.Seq}}
	case KillScript:
		return []Event{ScriptDone{Seq: e.Seq, Exit: 137}}
	case Assign:
		if g := e.Assignment.Generation; e.Assignment.Role == api.DataPrimary && !g.IsZero() {
			r.data.History = r.data.History.Next(g)
		}
		r.data.Clean = e.Assignment.Role == api.DataIdle
		return []Event{DataDone{Seq: e.Seq, Facts: r.data}}
	case Detach:
		r.data.History = r.data.History.Next(e.Generation)
		return []Event{DataDone{Seq: e.Seq, Facts: r.data}}
	case RoleChanged:
		r.path = append(r.path, e.To)
	case SetVIP, Checkers, Publish, Persist, SetResource, Log, Refused, Reboot, Arm:
	}
	return nil
}

func (r *rig) clear() *rig { r.path, r.calls, r.effects = nil, nil, nil; return r }

// peer lets the peer say something, as process 2, knowing what this node says.
func (r *rig) peer(role string, change ...func(*PeerState)) *rig {
	r.t.Helper()
	ro, err := ha.ParseRole(role)
	if err != nil {
		r.t.Fatal(err)
	}
	r.seq++
	s := PeerState{Incarnation: 2, Sequence: r.seq, Version: r.seq, Signature: "s", Role: ro, Epoch: r.m.facts.Epoch,
		Data: r.data, Echo: r.m.published.Version, EchoOf: 1}
	for _, c := range change {
		c(&s)
	}
	return r.send(Heard{s})
}

func (r *rig) start(v ha.Verb) *rig {
	return r.send(Command{Verb: v, Who: "root", At: time.Unix(1000, 0)}).send(Verdict{Verb: ha.VerbWakeup})
}

func (r *rig) up() *rig   { return r.send(Link{"a", true}) }
func (r *rig) down() *rig { return r.send(Link{"a", false}) }

func (r *rig) event(k api.DataEventKind) *rig {
	return r.send(Data{api.DataEvent{Kind: k, Epoch: r.m.data.epoch, Facts: r.data}})
}

// at brings a fresh machine to a role, by the way a module gets there.
func at(t testing.TB, role string) *rig {
	t.Helper()
	mode, facts := ha.Mirror, Facts{UpToDate: true, LastPrim: true}
	if strings.HasPrefix(role, "UP") {
		mode = ha.Farm
	}
	r := newRig(t, mode, facts)
	ready := func(s *PeerState) { s.DataReady = true }
	switch role {
	case "STOP NotReady":
	case "WAIT Transient":
		r.start(ha.VerbStart)
	case "WAIT NotReady":
		r.m.facts.UpToDate = false
		r.start(ha.VerbStart).down()
	case "ALONE Transient":
		r.start(ha.VerbStart)
		r.held = true
		r.down()
	case "ALONE Ready":
		r.start(ha.VerbStart).down()
	case "PRIM Ready":
		r.start(ha.VerbStart).down().up().peer("SECOND Transient").event(api.PeerAttached).event(api.PeerReady).peer("SECOND Ready", ready)
	case "PRIM Transient":
		*r = *at(t, "PRIM Ready")
		r.held = true
		r.send(Command{Verb: ha.VerbRestart, Who: "root"})
	case "SECOND Transient":
		r.start(ha.VerbStart).up().peer("ALONE Ready")
	case "SECOND Ready":
		r.start(ha.VerbStart).up().peer("ALONE Ready").event(api.SyncStarted).event(api.SyncDone).peer("PRIM Ready")
	case "UP Transient":
		r.held = true
		r.start(ha.VerbStart)
		for range 2 { // transition, prestart
			r.release()
		}
		r.send(Verdict{Verb: ha.VerbWakeup})
	case "UP Ready":
		r.start(ha.VerbStart)
	}
	if got := r.m.Role().String(); got != role {
		t.Fatalf("the way to %s ends in %s", role, got)
	}
	return r.clear()
}

// release ends the script that runs.
func (r *rig) release() *rig {
	if len(r.waiting) == 0 {
		return r
	}
	seq := r.waiting[0]
	r.waiting = r.waiting[1:]
	return r.send(ScriptDone{Seq: seq})
}
