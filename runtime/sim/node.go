package sim

import (
	"fmt"
	"strings"
	"time"

	"github.com/safehold/safehold/plugins/api"
	"github.com/safehold/safehold/runtime/automaton"
	"github.com/safehold/safehold/runtime/ha"
)

// Node is one server.
type Node struct {
	w    *World
	id   int
	name string

	power  bool
	frozen bool
	life   uint64 // changes with each process, so that old callbacks do nothing
	m      *automaton.Machine
	rep    *replica
	stored automaton.Facts

	published *automaton.PeerState
	wire      []automaton.PeerState // what was published, for replays
	backlog   []func()
	echo      message // newest state of the peer it said it knows
	buffered  int     // datagrams in the backlog
	ticks     uint64
	tear      int // effects until a power cut; 0: none

	linkUp    [links]bool
	linkKnown [links]bool
	heardAt   [links]time.Duration
	delivered uint64 // sequence of the last payload passed on
	fromInc   uint64
	anyUp     bool

	script  *running
	active  map[string]bool
	post    bool // poststop ran
	vip     bool
	hold    string
	slow    time.Duration
	failing string

	log     []string
	scripts []string
}

type running struct {
	seq  uint64
	name string
}

func newNode(w *World, id int) *Node {
	n := &Node{w: w, id: id, name: fmt.Sprintf("n%d", id+1)}
	n.rep = newReplica(w, n)
	return n
}

func (n *Node) peer() *Node { return n.w.nodes[1-n.id] }

func (n *Node) config() automaton.Config {
	o := n.w.opt
	c := automaton.Config{Module: "m", Mode: o.Mode, Local: ha.NodeName(n.name), Peer: ha.NodeName(n.peer().name),
		First: n.id == 0, Replicated: !o.Plain && o.Mode == ha.Mirror, DefaultPrim: o.DefaultPrim, FailoverOff: o.FailoverOff,
		Signature: "s", MaxLoop: 3, LoopInterval: 24 * time.Hour, AutomaticReboot: o.Reboot, PeerTimeout: linkTimeout,
		Incarnation: n.w.rng.Uint64() | 1, NewGeneration: n.w.generation}
	if o.Mode == ha.Mirror {
		for l := range n.w.links() {
			c.Links = append(c.Links, linkName(o, l))
		}
	}
	if o.Flow {
		c.FlowLink = "flow"
	}
	return c
}

func linkName(o Options, l int) string {
	if l == dataLink && o.Flow {
		return "flow"
	}
	return [...]string{"default", "second"}[l]
}

func (w *World) generation() ha.Generation {
	var g ha.Generation
	for i := range g {
		g[i] = byte(w.rng.UintN(256))
	}
	return g
}

// boot starts the node's process, in STOP.
func (n *Node) boot() {
	n.power, n.frozen, n.backlog = true, false, nil
	n.life++
	n.m = automaton.NewMutant(n.config(), n.stored, n.w.now, n.w.opt.Faults)
	n.published, n.script, n.vip, n.echo = nil, nil, false, message{}
	n.resetLinks()
	n.rep.restart()
	n.step(automaton.DataBack{Facts: n.rep.facts()})
	life := n.life
	n.w.after(n.w.between(0, pulseEvery), func() { n.pulse(life) })
}

func (n *Node) resetLinks() {
	for l := range links {
		n.linkUp[l], n.linkKnown[l], n.heardAt[l] = false, false, n.w.now
	}
	n.anyUp, n.fromInc, n.delivered = false, 0, 0
}

// up tells whether the node's process runs.
func (n *Node) up() bool { return n.power && n.m != nil }

func (n *Node) state() ha.State {
	if !n.up() {
		return ha.Stop
	}
	return n.m.Role().State
}

// on runs fn on the node, unless its process changed meanwhile; later when frozen.
func (n *Node) on(life uint64, fn func()) {
	if n.life != life {
		return
	}
	if n.frozen {
		n.backlog = append(n.backlog, func() { n.on(life, fn) })
		return
	}
	fn()
}

// later runs fn on the node after a while.
func (n *Node) later(d time.Duration, fn func()) {
	life := n.life
	n.w.after(d, func() { n.on(life, fn) })
}

// step gives the machine an event and carries out the effects.
func (n *Node) step(ev automaton.Event) {
	if !n.up() || n.w.violation != nil {
		return
	}
	n.w.Steps++
	life := n.life
	for _, e := range n.m.Step(n.w.now, ev) {
		if n.tear > 0 {
			if n.tear--; n.tear == 0 {
				n.powerOff()
				n.w.after(rebootTime, n.boot)
				return
			}
		}
		n.effect(e)
		if n.life != life {
			return
		}
	}
	n.w.verify(n)
}

func (n *Node) effect(e automaton.Effect) {
	switch e := e.(type) {
	case automaton.RunScript:
		n.runScript(e)
	case automaton.KillScript:
		if n.script != nil && n.script.seq == e.Seq {
			n.endScript(e.Seq, e.Seq, 137)
		}
	case automaton.Assign:
		n.w.ghost.knew[n.id] = n.w.ghost.heardAt[n.id]
		n.w.checkAssign(n, e.Assignment)
		n.rep.assign(e)
	case automaton.Detach:
		n.w.ghost.knew[n.id] = n.w.ghost.heardAt[n.id]
		n.rep.detach(e)
	case automaton.SetVIP:
		n.vip = e.On
	case automaton.Publish:
		s := e.State
		n.published = &s
		if n.wire = append(n.wire, s); len(n.wire) > 60 {
			n.wire = n.wire[1:]
		}
		n.w.ghost.published(n, s)
		n.w.checkPublish(n, s)
		n.send()
	case automaton.Persist:
		n.stored = e.Facts
	case automaton.Log:
		n.say(e.Text)
	case automaton.RoleChanged:
		n.w.checkRole(n, e)
		if e.To.State == ha.Stop {
			n.resetLinks()
		}
		if e.From.State == ha.Stop {
			n.resetLinks()
			n.post = false
		}
	case automaton.Refused:
		n.say("refused: " + e.Reason)
	case automaton.Reboot:
		n.later(0, func() { n.powerOff(); n.w.after(rebootTime, func() { n.boot(); n.command(ha.VerbStart, "", true) }) })
	case automaton.Arm:
		n.ticks++
		t := n.ticks
		n.later(e.At-n.w.now, func() {
			if t == n.ticks {
				n.step(automaton.Tick{})
			}
		})
	case automaton.SetResource, automaton.Checkers:
	}
}

func (n *Node) say(text string) { n.log = append(n.log, text) }

func (n *Node) runScript(e automaton.RunScript) {
	if n.script != nil {
		n.w.fail(6, "%s runs %s while %s runs", n.name, e.Name, n.script.name)
	}
	mark := e.Name
	if e.Force {
		mark += "!"
	}
	n.scripts = append(n.scripts, mark)
	n.say("Script " + e.Name + " " + strings.Join(e.Args, " "))
	n.script = &running{e.Seq, e.Name}
	n.w.checkScript(n, e)
	d := n.slow
	if d == 0 && n.w.opt.Lossy {
		d = n.w.between(0, maxScript/4)
		if n.w.rng.UintN(10) == 0 {
			d = n.w.between(0, maxScript)
		}
	}
	exit := int(n.w.rng.UintN(2))
	seq := e.Seq
	n.later(d, func() { n.endScript(seq, seq, exit) })
}

func (n *Node) endScript(seq, answer uint64, exit int) {
	if n.script == nil || n.script.seq != seq {
		return
	}
	name := n.script.name
	n.script = nil
	switch {
	case name == "prestart":
		n.active = map[string]bool{}
	case name == "poststop":
		n.post = true
	case strings.HasPrefix(name, "stop_"):
		delete(n.active, strings.TrimPrefix(name, "stop_"))
	}
	n.later(0, func() { n.step(automaton.ScriptDone{Seq: answer, Exit: exit}) })
	if n.failing == name {
		n.failing = ""
		n.command(ha.VerbStop, name, false)
	}
}

// command gives the module a command.
func (n *Node) command(v ha.Verb, identity string, boot bool) {
	n.commandWith(automaton.Command{Verb: v, Who: "root", Identity: identity, Boot: boot})
}

func (n *Node) commandWith(c automaton.Command) {
	if !n.up() {
		return
	}
	c.At = time.Unix(int64(n.id)*3600, 0).Add(n.w.now)
	n.later(0, func() { n.step(c) })
}

// crash ends the process and its plugins; the kernel and its cache live on.
func (n *Node) crash() {
	n.w.ghost.ended(n)
	n.life++
	n.m, n.published, n.frozen, n.backlog, n.script = nil, nil, false, nil, nil
	n.rep.die(false)
	n.tear = 0
	n.w.ghost.splitSince = 0
}

// powerOff ends everything; what was not durable is gone.
func (n *Node) powerOff() {
	n.crash()
	n.power = false
	n.rep.die(true)
	n.active = map[string]bool{}
}

func (n *Node) freeze() {
	n.frozen, n.buffered = true, 0
	n.w.ghost.frozen[n.id] = n.w.now
	n.w.ghost.splitSince = 0
}

func (n *Node) thaw() {
	if !n.frozen {
		return
	}
	n.frozen = false
	n.w.ghost.splitSince = 0
	todo := n.backlog
	n.backlog = nil
	for _, fn := range todo {
		fn()
	}
}

// killReplica ends the replication process; it is back a second later.
func (n *Node) killReplica() {
	if !n.up() || !n.rep.alive {
		return
	}
	n.rep.die(false)
	gone := n.w.between(0, 900*time.Millisecond)
	n.later(gone, func() { n.step(automaton.DataGone{Reason: "killed"}) })
	n.later(gone+time.Second, func() {
		n.rep.restart()
		n.step(automaton.DataBack{Facts: n.rep.facts()})
	})
}

func (n *Node) dataEvent(e api.DataEvent) {
	e.Epoch, e.Facts = n.rep.epoch, n.rep.facts()
	n.later(n.w.between(0, 30*time.Millisecond), func() {
		if e.Epoch == n.rep.epoch && n.rep.alive {
			n.step(automaton.Data{Event: e})
		}
	})
}
