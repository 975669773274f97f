package sim

import (
	"slices"
	"time"

	"github.com/safehold/safehold/plugins/api"
	"github.com/safehold/safehold/runtime/ha"
)

// connect lets a secondary reach its primary.
func (r *replica) connect() {
	p := r.n.peer().rep
	if r.conn != nil || r.parked || !p.alive || p.n.frozen || !p.n.power || !r.w.dataNet() || p.role != api.DataPrimary || p.epoch != r.epoch {
		return
	}
	if p.conn != nil { // the primary did not notice yet that the old connection is over
		c := p.conn
		p.closeEnd(false)
		p.lostPeer(c, false)
		return
	}
	if p.hold && p.a.Generation.IsZero() && p.w.now-p.holdAt > 5*time.Minute || p.hold && !p.expecting() || p.drain != nil {
		return
	}
	rel := ha.Compare(r.hist, p.hist)
	if (rel == ha.Ahead || rel == ha.Diverged) && !r.a.GiveWay {
		r.n.dataEvent(api.DataEvent{Kind: api.SyncFailed, Diverged: true, Reason: "histories diverged"})
		r.role = api.DataIdle
		return
	}
	c := &conn{p: p, s: r, pOpen: true, sOpen: true, limitP: r.w.between(2*time.Second, 30*time.Second),
		limitS: r.w.between(2*time.Second, 30*time.Second)}
	p.conn, r.conn = c, c
	p.n.dataEvent(api.DataEvent{Kind: api.PeerAttached})
	c.chunk = 1
	r.n.dataEvent(api.DataEvent{Kind: api.SyncStarted, Stats: api.SyncStats{Dir: "/data"}})
	r.later(r.w.between(10*time.Millisecond, 300*time.Millisecond), func() { r.catchUp(c, rel) })
}

// expecting: a primary by swap waits for its peer to attach.
func (r *replica) expecting() bool {
	return r.a.Generation.IsZero() && r.hist.Current == r.n.peer().rep.hist.Current
}

// catchUp copies some records, again and again, until the secondary is equal.
func (r *replica) catchUp(c *conn, rel ha.Relation) {
	if r.conn != c || !c.pOpen || r.role != api.DataSecondary {
		return
	}
	if !r.w.dataNet() || c.p.n.frozen {
		r.later(200*time.Millisecond, func() { r.catchUp(c, rel) })
		return
	}
	p := c.p
	if !c.begun {
		c.begun = true
		r.begin(c, rel)
	}
	for ; c.next < len(p.content) && c.chunk > 0; c.chunk-- {
		if c.next == len(r.content) {
			r.content = append(r.content, 0)
		}
		r.content[c.next] = p.content[c.next]
		c.next++
	}
	more := c.next < len(p.content)
	c.chunk = 1 + r.w.rng.IntN(40)
	if r.w.opt.SlowCopy {
		c.chunk = 5
	}
	if more {
		r.later(r.w.between(20*time.Millisecond, 500*time.Millisecond), func() { r.catchUp(c, rel) })
		return
	}
	r.equal(c)
}

// begin marks what has to be copied as missing: from the first record that
// differs, or, in a broken replicator, from the first one the maps name.
func (r *replica) begin(c *conn, rel ha.Relation) {
	p := c.p
	c.next = common(r.content, p.content)
	if r.w.opt.DirtyEarly {
		c.next = min(len(r.content), len(p.content))
		for _, dirty := range []int{p.dirty, r.dirty} {
			if dirty >= 0 {
				c.next = min(c.next, dirty)
			}
		}
		p.dirty, r.dirty = -1, -1
	}
	r.w.checkOverwrite(r, p, rel)
	kept := min(c.next, len(r.content))
	if kept < len(p.content) || kept < len(r.content) {
		r.consistent = false
	}
	r.content = append(slices.Clone(r.content[:kept]), make([]uint64, len(p.content)-kept)...)
	r.stable = min(r.stable, kept)
}

func common(a, b []uint64) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// equal ends a catch-up: from here on every write waits for the secondary.
func (r *replica) equal(c *conn) {
	p := c.p
	r.w.checkEqual(r, p)
	c.ready = true
	r.hist, r.consistent, r.dirty, r.behind = p.facts().History, true, -1, false
	p.dirty, p.behind, p.hold = -1, false, false
	for _, x := range p.pending {
		r.w.ghost.ack(p.n, x)
	}
	p.pending = nil
	r.n.dataEvent(api.DataEvent{Kind: api.SyncDone})
	p.n.dataEvent(api.DataEvent{Kind: api.PeerReady})
	p.drained()
}

// app writes while the application runs on a writable mount.
func (n *Node) app() {
	r := n.rep
	if n.frozen || !n.up() || !r.alive || r.role != api.DataPrimary || !n.active["prim"] || len(r.pending) >= 3 || r.drain != nil {
		return
	}
	rec := n.w.ghost.newRecord()
	r.content = append(r.content, rec)
	r.stable = len(r.content)
	x := write{rec, n.w.now}
	c := r.conn
	switch {
	case c != nil && c.ready:
		r.pending = append(r.pending, x)
		r.ship(c, x)
	case r.hold:
		r.pending = append(r.pending, x)
	default:
		r.markDirty(len(r.content) - 1)
		n.w.ghost.ack(n, x)
	}
}

// ship sends a write to the secondary and takes its acknowledgement.
func (r *replica) ship(c *conn, x write) {
	r.w.after(r.w.between(time.Millisecond, 30*time.Millisecond), func() { r.shipped(c, x) })
}

func (r *replica) shipped(c *conn, x write) {
	s := c.s
	if !c.sOpen || s.conn != c || r.conn != c {
		return
	}
	if !r.w.dataNet() || s.n.frozen {
		r.w.after(100*time.Millisecond, func() { r.shipped(c, x) })
		return
	}
	if before := r.before(x.rec); before != 0 && (len(s.content) == 0 || s.content[len(s.content)-1] < before) {
		r.w.after(50*time.Millisecond, func() { r.shipped(c, x) })
		return
	}
	s.content = append(s.content, x.rec)
	if r.w.opt.Durable {
		s.stable = len(s.content)
	}
	r.w.after(r.w.between(time.Millisecond, 30*time.Millisecond), func() { r.acked(c, x) })
}

// before is the record written before rec.
func (r *replica) before(rec uint64) uint64 {
	for i := len(r.content) - 1; i > 0; i-- {
		if r.content[i] == rec {
			return r.content[i-1]
		}
	}
	return 0
}

func (r *replica) acked(c *conn, x write) {
	if !r.alive || r.conn != c {
		return
	}
	if !r.w.dataNet() || r.n.frozen {
		r.w.after(100*time.Millisecond, func() { r.acked(c, x) })
		return
	}
	if i := slices.Index(r.pending, x); i >= 0 {
		r.pending = slices.Delete(r.pending, i, i+1)
		r.w.ghost.ack(r.n, x)
		r.drained()
	}
}
