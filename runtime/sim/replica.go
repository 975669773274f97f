package sim

import (
	"errors"
	"time"

	"github.com/safehold/safehold/plugins/api"
	"github.com/safehold/safehold/runtime/automaton"
	"github.com/safehold/safehold/runtime/ha"
)

// replica is the replicator of a node. The data are a list of records; a
// secondary has a prefix of its primary's list, or all of it when it is ready.
type replica struct {
	w     *World
	n     *Node
	alive bool
	life  uint64

	content    []uint64
	stable     int // records that survive a power cut
	hist       ha.History
	consistent bool
	clean      bool
	behind     bool // PeerBehind
	dirty      int  // first record the peer may lack; -1: none

	role    api.DataRole
	epoch   uint64
	a       api.Assignment
	conn    *conn
	hold    bool // primary: the secondary was ready and is lost, or has yet to attach
	holdAt  time.Duration
	pending []write
	drain   func(error)
	parked  bool // secondary: lost its primary after SyncDone and waits to be assigned again
}

type write struct {
	rec uint64
	at  time.Duration
}

// conn is a connection from the secondary s to the primary p. Each end notices by itself that it is over.
type conn struct {
	p, s    *replica
	pOpen   bool
	sOpen   bool
	ready   bool
	begun   bool // catch-up began
	next    int  // first record still to be copied
	chunk   int  // records it copies in the next turn
	badP    time.Duration
	badS    time.Duration
	limitP  time.Duration // silence after which each end gives up
	limitS  time.Duration
	goodbye bool // the other end said that it goes
}

var errDead = errors.New("replication process ended")

func newReplica(w *World, n *Node) *replica {
	return &replica{w: w, n: n, consistent: true, clean: true, dirty: -1}
}

func (r *replica) facts() api.DataFacts {
	h := r.hist
	h.Ancestors = append([]ha.Generation(nil), h.Ancestors...)
	return api.DataFacts{History: h, Consistent: r.consistent, Clean: r.clean, PeerBehind: r.behind}
}

func (r *replica) restart() {
	r.alive = true
	r.life++
	r.role, r.conn, r.hold, r.pending, r.drain = api.DataIdle, nil, false, nil, nil
}

// die ends the process; with power, the unstable records are gone too.
func (r *replica) die(power bool) {
	if r.alive && r.role != api.DataIdle {
		r.clean = false
	}
	r.alive = false
	if d := r.drain; d != nil {
		r.drain = nil
		d(errDead)
	}
	r.life++
	r.closeEnd(false)
	r.role, r.pending, r.hold, r.drain = api.DataIdle, nil, false, nil
	if power {
		r.content = r.content[:min(r.stable, len(r.content))]
	}
}

// closeEnd closes this end of the connection; clean says goodbye.
func (r *replica) closeEnd(clean bool) {
	c := r.conn
	if c == nil {
		return
	}
	r.conn = nil
	if c.p == r {
		c.pOpen = false
	} else {
		c.sOpen = false
	}
	c.goodbye = clean && r.w.dataNet()
}

func (r *replica) later(d time.Duration, fn func()) {
	life := r.life
	r.n.later(d, func() {
		if r.life == life && r.alive {
			fn()
		}
	})
}

func (r *replica) answer(seq uint64, err error) {
	f := r.facts()
	r.n.later(r.w.between(0, 20*time.Millisecond), func() { r.n.step(automaton.DataDone{Seq: seq, Err: err, Facts: f}) })
}

func (r *replica) assign(e automaton.Assign) {
	if !r.alive {
		r.answer(e.Seq, errDead)
		return
	}
	life := r.life
	r.n.later(r.w.between(0, 200*time.Millisecond), func() {
		if r.life != life {
			r.answer(e.Seq, errDead)
			return
		}
		r.change(e.Assignment, func(err error) { r.answer(e.Seq, err) })
	})
}

func (r *replica) change(a api.Assignment, done func(error)) {
	if r.role == api.DataPrimary && a.Role != api.DataPrimary {
		r.drain = func(err error) {
			if errors.Is(err, errDead) {
				done(err)
				return
			}
			r.pending, r.hold = nil, false
			r.closeEnd(err == nil)
			r.take(a)
			done(err)
		}
		r.drained()
		return
	}
	if a.Role == api.DataPrimary && !r.consistent && !a.Force && r.w.opt.Faults&automaton.PromoteInconsistent == 0 {
		done(errors.New("data are inconsistent"))
		return
	}
	if r.role == api.DataSecondary {
		r.stable = len(r.content)
		r.closeEnd(a.Role == api.DataIdle)
	}
	r.take(a)
	done(nil)
}

// drained ends a drain when all is acknowledged, or when the secondary is lost.
func (r *replica) drained() {
	if r.drain == nil {
		return
	}
	var err error
	switch {
	case len(r.pending) == 0 && !r.hold:
	case r.hold && (r.conn == nil || !r.conn.pOpen):
		err = errors.New("the secondary is lost")
		if len(r.pending) > 0 {
			r.behind = true
		}
	default:
		return
	}
	d := r.drain
	r.drain = nil
	d(err)
}

func (r *replica) take(a api.Assignment) {
	r.role, r.epoch, r.a, r.parked = a.Role, a.Epoch, a, false
	switch a.Role {
	case api.DataIdle:
		r.clean = true
		return
	case api.DataPrimary:
		r.w.checkPromote(r.n, a)
		r.stable = len(r.content)
		if a.Force {
			r.consistent = true
		}
		if !a.Generation.IsZero() {
			r.newGeneration(a.Generation)
			r.hold = false
		} else {
			r.hold, r.holdAt = true, r.w.now
		}
	case api.DataSecondary:
	}
	r.clean = false
}

func (r *replica) newGeneration(g ha.Generation) {
	if g != r.hist.Current {
		r.hist = r.hist.Next(g)
	}
	r.behind = true
	r.markDirty(len(r.content))
}

func (r *replica) markDirty(from int) {
	if r.dirty < 0 || from < r.dirty {
		r.dirty = from
	}
}

func (r *replica) detach(e automaton.Detach) {
	life := r.life
	r.n.later(r.w.between(0, 50*time.Millisecond), func() {
		if r.life != life || !r.alive || r.role != api.DataPrimary {
			r.answer(e.Seq, errDead)
			return
		}
		r.detachNow(e.Generation)
		r.answer(e.Seq, nil)
	})
}

// detachNow releases the held writes in a new generation.
func (r *replica) detachNow(g ha.Generation) {
	lack := len(r.content) - len(r.pending)
	if r.conn != nil {
		lack = min(lack, r.conn.s.stable)
	}
	r.closeEnd(false)
	r.newGeneration(g)
	r.markDirty(max(0, lack-20))
	r.hold = false
	r.w.ghost.detached(r.n)
	for _, p := range r.pending {
		r.w.ghost.ack(r.n, p)
	}
	r.pending = nil
	r.n.dataEvent(api.DataEvent{Kind: api.PeerDetached})
	r.drained()
}

// watch is the clock of the replicator.
func (r *replica) watch() {
	if !r.alive {
		return
	}
	r.watchConn()
	if r.role == api.DataSecondary {
		if r.w.opt.Durable || r.w.rng.UintN(2) == 0 {
			r.stable = len(r.content)
		}
		r.connect()
	}
	if r.role == api.DataPrimary {
		r.stable = len(r.content)
		if r.hold && r.w.now-r.holdAt >= pluginLimit {
			r.detachNow(r.w.generation())
		}
		if r.w.opt.NoHold && r.hold && r.conn == nil {
			for _, p := range r.pending {
				r.w.ghost.ack(r.n, p)
			}
			r.pending = nil
		}
		r.drained()
		r.w.checkHold(r.n)
		for _, p := range r.pending {
			r.w.checkPending(r.n, p)
		}
	}
}

// watchConn notices that the other end is gone: soon when its process ended,
// after a while when nothing is heard.
func (r *replica) watchConn() {
	c := r.conn
	if c == nil {
		return
	}
	bad, limit, other, otherOpen := &c.badP, c.limitP, c.s, c.sOpen
	if c.s == r {
		bad, limit, other, otherOpen = &c.badS, c.limitS, c.p, c.pOpen
	}
	reset := !otherOpen && r.w.dataNet() && other.n.power && !other.n.frozen
	switch {
	case reset:
	case !otherOpen || !r.w.dataNet() || other.n.frozen:
		if *bad == 0 {
			*bad = r.w.now
		}
		if r.w.now-*bad < limit {
			return
		}
	default:
		*bad = 0
		return
	}
	clean := reset && c.goodbye
	r.closeEnd(false)
	if c.p == r {
		r.lostPeer(c, clean)
	} else {
		r.lostPrimary(c, clean)
	}
}

func (r *replica) lostPeer(c *conn, clean bool) {
	if c.ready {
		r.hold, r.holdAt = true, r.w.now
	}
	r.n.dataEvent(api.DataEvent{Kind: api.PeerLost, Clean: clean})
	r.drained()
}

func (r *replica) lostPrimary(c *conn, clean bool) {
	if c.ready {
		r.parked = !r.w.opt.Reattach
		r.n.dataEvent(api.DataEvent{Kind: api.PrimaryLost, Clean: clean})
		return
	}
	r.n.dataEvent(api.DataEvent{Kind: api.SyncFailed, Retry: true, Reason: "connection lost"})
}
