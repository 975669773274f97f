package sim

import (
	"time"

	"github.com/safehold/safehold/runtime/automaton"
	"github.com/safehold/safehold/runtime/ha"
)

// pulse is the clock of a node's plugins: heartbeat, link timeouts, the
// failover machine's verdict in WAIT, the replicator's watch on its connection.
func (n *Node) pulse(life uint64) {
	if n.life != life {
		return
	}
	n.w.after(pulseEvery, func() { n.on(life, func() { n.pulse(life) }) })
	n.send()
	n.watchLinks()
	n.rep.watch()
	if n.up() && n.state() == ha.Wait {
		v := automaton.Verdict{Verb: ha.VerbWakeup}
		if n.hold != "" {
			v = automaton.Verdict{Verb: ha.VerbWait, Rule: n.hold, Gate: n.hold == "init"}
		}
		n.step(v)
	}
}

// send puts the published state on every link.
func (n *Node) send() {
	if n.published == nil || n.frozen || n.w.opt.Mode != ha.Mirror || n.state() == ha.Stop && n.published.Role.State != ha.Stop {
		return
	}
	s := *n.published
	if s.Role.State == ha.Stop {
		n.published = nil // once: heartbeats end with STOP
	}
	at := n.w.now
	for l := range n.w.links() {
		if n.w.lose(l, n.id) {
			continue
		}
		d := n.w.between(time.Millisecond, 20*time.Millisecond)
		if n.w.opt.Lossy && n.w.rng.UintN(8) == 0 {
			d = n.w.between(0, 900*time.Millisecond)
		}
		n.w.after(d, func() { n.peer().arrive(l, s, at) })
	}
}

// lose drops what is cut, and in a lossy world some more, but never more than two in a row.
func (w *World) lose(l, from int) bool {
	if w.cut[l][from] {
		return true
	}
	if w.opt.Lossy && w.dropped[l][from] < 2 && w.rng.UintN(6) == 0 {
		w.dropped[l][from]++
		return true
	}
	w.dropped[l][from] = 0
	return false
}

func (n *Node) arrive(l int, s automaton.PeerState, sent time.Duration) {
	if n.w.cut[l][1-n.id] || !n.up() {
		return
	}
	if n.frozen {
		if n.buffered++; n.buffered > maxBuffered {
			return
		}
	}
	n.on(n.life, func() { n.receive(l, s, sent) })
}

func (n *Node) receive(l int, s automaton.PeerState, sent time.Duration) {
	if n.state() == ha.Stop {
		return
	}
	n.heardAt[l] = n.w.now
	again := !n.anyUp
	n.anyUp = true
	if !n.linkUp[l] || !n.linkKnown[l] {
		n.linkUp[l], n.linkKnown[l] = true, true
		n.step(automaton.Link{Ident: linkName(n.w.opt, l), Up: true})
	}
	if s.Sequence == n.delivered && s.Incarnation == n.fromInc && !again {
		return
	}
	n.delivered, n.fromInc = s.Sequence, s.Incarnation
	n.w.ghost.heard(n, s)
	n.step(automaton.Heard{State: s})
}

func (n *Node) watchLinks() {
	if n.state() == ha.Stop || n.w.opt.Mode != ha.Mirror {
		return
	}
	for l := range n.w.links() {
		if (n.linkUp[l] || !n.linkKnown[l]) && n.w.now-n.heardAt[l] >= linkTimeout {
			n.linkUp[l], n.linkKnown[l] = false, true
			n.anyUp = n.linkUp[0] || n.linkUp[1]
			n.step(automaton.Link{Ident: linkName(n.w.opt, l), Up: false})
		}
	}
}

// replay delivers something the peer's present process said a while ago.
func (n *Node) replay() {
	var old []automaton.PeerState
	for _, s := range n.peer().wire {
		if n.fromInc == s.Incarnation && s.Sequence < n.delivered {
			old = append(old, s)
		}
	}
	if len(old) == 0 || !n.up() {
		return
	}
	s := old[n.w.rng.IntN(len(old))]
	n.later(0, func() {
		if n.state() != ha.Stop {
			n.step(automaton.Heard{State: s})
		}
	})
}
