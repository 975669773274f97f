package sim

import (
	"slices"
	"strings"
	"time"

	"github.com/safehold/safehold/plugins/api"
	"github.com/safehold/safehold/runtime/automaton"
	"github.com/safehold/safehold/runtime/ha"
)

// ghost is what an all-seeing observer knows. It decides nothing in the world.
type ghost struct {
	records uint64
	acked   map[uint64]ackInfo
	order   []uint64        // acknowledged records, oldest first
	off     map[uint64]bool // kept in a rescue area, or given up by a forced command
	aloneAt [2]time.Duration
	forced  [2]bool // the present stretch as primary was forced
	wants   [2]bool // a forced start is under way
	trusts  [2]bool // was primary last, and gave the role to nobody
	started [2]time.Duration
	frozen  [2]time.Duration // when last, until thawed
	thawed  [2]time.Duration
	epoch   [2]uint64 // highest the peer was heard to be primary in
	sentAt  map[message]time.Duration
	heardAt [2]time.Duration // when the newest state heard was published
	knew    [2]time.Duration // heardAt when the node decided to write on
	reach   [2][]span        // of datagrams of a node

	splitSince time.Duration
	everCut    bool
	Excused    int
}

type ackInfo struct {
	by     int
	alone  time.Duration // when the stretch of writing began
	forced bool
	at     time.Duration
}

type message struct{ inc, seq uint64 }

type span struct {
	at time.Duration
	ok bool
}

func (g *ghost) init() {
	g.acked, g.off, g.sentAt = map[uint64]ackInfo{}, map[uint64]bool{}, map[message]time.Duration{}
}

func (g *ghost) newRecord() uint64 { g.records++; return g.records }

func (g *ghost) ack(n *Node, x write) {
	if _, again := g.acked[x.rec]; again {
		return
	}
	g.acked[x.rec] = ackInfo{n.id, g.aloneAt[n.id], g.forced[n.id], n.w.now}
	g.order = append(g.order, x.rec)
}

func (g *ghost) published(n *Node, s automaton.PeerState) {
	g.sentAt[message{s.Incarnation, s.Sequence}] = n.w.now
	if s.Handover != nil {
		g.trusts[n.id] = false
	}
}

func (g *ghost) heard(n *Node, s automaton.PeerState) {
	if s.Role.State.Primary() {
		g.epoch[n.id] = max(g.epoch[n.id], s.Epoch)
	}
	g.heardAt[n.id] = max(g.heardAt[n.id], g.sentAt[message{s.Incarnation, s.Sequence}])
}

func (g *ghost) ended(n *Node) { g.started[n.id] = 0 }

func (g *ghost) detached(n *Node) {
	g.aloneAt[n.id] = n.w.now
	n.w.checkLacking(n, "goes on alone")
	n.w.checkTold(n)
}

// checkTold: a primary goes on alone only when the peer knows that it is
// behind, or could not be told.
func (w *World) checkTold(n *Node) {
	p := n.peer()
	since := w.now - holdLimit - 3*time.Second
	if p.state() != ha.Second || p.frozen || p.published == nil || !p.published.DataReady || w.wasCut(since, w.now) ||
		max(w.ghost.thawed[0], w.ghost.thawed[1]) > since || w.opt.Flow {
		return
	}
	w.fail(1, "%s goes on alone while its secondary, which it can reach, may still take over", n.name)
}

// checkHold: rule 4, the peer's word is not waited for without end.
func (w *World) checkHold(n *Node) {
	r := n.rep
	held := w.now - max(r.holdAt, w.ghost.thawed[n.id])
	if !r.hold || r.drain != nil || !n.state().Primary() || n.published == nil || n.published.Stopping ||
		r.a.Generation.IsZero() || held < 2*holdLimit+2*time.Second {
		return
	}
	w.fail(4, "%s holds its writes for %v after it lost its secondary", n.name, held)
}

// checkPromote: rules 1 and 2 when a node begins to serve its data.
func (w *World) checkPromote(n *Node, a api.Assignment) {
	g := &w.ghost
	g.forced[n.id] = g.wants[n.id]
	g.wants[n.id] = false
	switch {
	case g.forced[n.id]:
		for _, rec := range w.lacking(n) {
			g.off[rec] = true
		}
	default:
		w.checkLacking(n, "becomes primary")
	}
	if !n.rep.consistent && !a.Force {
		w.fail(2, "%s becomes primary on inconsistent data", n.name)
	}
	w.checkBeside(n)
	g.trusts[n.id] = true
	if !a.Generation.IsZero() {
		g.aloneAt[n.id] = w.now
	}
}

// checkBeside: rule 3, nobody becomes primary beside a primary that it could hear.
func (w *World) checkBeside(n *Node) {
	p := n.peer()
	recent := w.now - linkTimeout - 15*time.Second
	if p.frozen || !p.rep.alive || p.rep.role != api.DataPrimary || !p.state().Primary() || w.wasCut(recent, w.now) ||
		max(w.ghost.thawed[0], w.ghost.thawed[1]) > recent || p.script != nil && p.slow > 0 {
		return
	}
	w.fail(3, "%s becomes primary beside its peer, which it could hear", n.name)
}

// checkPublish: what is told is on disk, and true.
func (w *World) checkPublish(n *Node, s automaton.PeerState) {
	if s.Epoch != n.stored.Epoch || s.UpToDate != n.stored.UpToDate || s.LastPrim != n.stored.LastPrim {
		w.fail(2, "%s tells facts that are not on disk", n.name)
	}
	if last := n.echo; s.EchoOf == last.inc && s.Echo < last.seq {
		w.fail(3, "%s takes an older state of its peer for the present one", n.name)
	}
	n.echo = message{s.EchoOf, s.Echo}
	if s.Handover != nil && n.rep.alive && n.rep.role == api.DataPrimary && !s.Role.State.Primary() {
		w.fail(3, "%s hands over while its data are still writable", n.name)
	}
}

func (w *World) lacking(n *Node) []uint64 {
	have := map[uint64]bool{}
	for _, rec := range n.rep.content {
		have[rec] = true
	}
	var out []uint64
	for _, rec := range w.ghost.order {
		if !have[rec] && !w.ghost.off[rec] {
			out = append(out, rec)
		}
	}
	return out
}

// checkLacking: a node that writes on must have every acknowledged record,
// unless it could not know of those it lacks.
func (w *World) checkLacking(n *Node, what string) {
	if ha.Compare(n.rep.hist, n.peer().rep.hist) == ha.Diverged {
		return // judged when it came to that
	}
	for _, rec := range w.lacking(n) {
		if info := w.ghost.acked[rec]; !w.excused(n, info) {
			w.fail(2, "%s %s without record %d, acknowledged by n%d at %v (alone since %v, last heard of %v)", n.name, what, rec,
				info.by+1, info.at-time.Hour, info.alone-time.Hour, w.ghost.knew[n.id]-time.Hour)
			return
		}
		w.ghost.Excused++
	}
}

// excused: the node heard nothing of the stretch of writing it lacks, and was
// then either not running, with good reason to trust itself, or cut off.
func (w *World) excused(n *Node, info ackInfo) bool {
	g := &w.ghost
	if info.by == n.id || g.knew[n.id] >= info.alone {
		return false
	}
	away := g.started[n.id] > info.alone || g.frozen[n.id] <= info.alone && info.alone <= g.thawed[n.id]
	if info.forced || away && g.trusts[n.id] {
		return true
	}
	return w.wasCut(info.alone-holdLimit-3*time.Second, info.alone)
}

// wasCut tells whether one direction had no link for some time in between.
func (w *World) wasCut(from, to time.Duration) bool {
	for _, spans := range w.ghost.reach {
		for i, s := range spans {
			if !s.ok && s.at <= to && (i+1 == len(spans) || spans[i+1].at >= from) {
				return true
			}
		}
	}
	return false
}

// checkOverwrite: what a secondary drops was not acknowledged, or is kept in
// the rescue area.
func (w *World) checkOverwrite(s, p *replica, rel ha.Relation) {
	have := map[uint64]bool{}
	for _, rec := range p.content {
		have[rec] = true
	}
	for _, rec := range s.content {
		if _, acked := w.ghost.acked[rec]; !acked || have[rec] || w.ghost.off[rec] {
			continue
		}
		if rel != ha.Diverged || !s.a.GiveWay {
			w.fail(1, "%s overwrites acknowledged record %d (%v)", s.n.name, rec, rel)
			return
		}
		w.ghost.off[rec] = true
	}
	if rel == ha.Diverged && !w.ghost.everCut && !w.ghost.anyForced() && w.ghost.Excused == 0 {
		w.fail(3, "%s wrote apart from its peer although they always saw each other", s.n.name)
	}
}

func (g *ghost) anyForced() bool {
	for _, rec := range g.order {
		if g.acked[rec].forced {
			return true
		}
	}
	return g.forced[0] || g.forced[1]
}

// checkEqual: rule 5, the end of a catch-up means equal.
func (w *World) checkEqual(s, p *replica) {
	if !slices.Equal(s.content, p.content) {
		w.fail(5, "%s is declared equal to its primary with %d records of %d", s.n.name, len(s.content), len(p.content))
	}
}

// checkPending: rule 4. While a role is being drained the application has ended already.
func (w *World) checkPending(n *Node, x write) {
	if n.rep.drain != nil {
		return
	}
	if age := w.now - max(x.at, w.ghost.thawed[n.id]); age > pendingBound {
		w.fail(4, "a write on %s waits for %v", n.name, age)
	}
}

// checkRole: rule 6.
func (w *World) checkRole(n *Node, e automaton.RoleChanged) {
	if !e.To.Legal() {
		w.fail(6, "%s is in %v", n.name, e.To)
	}
	g := &w.ghost
	switch {
	case e.From.State == ha.Stop && e.To.State == ha.Wait:
		g.started[n.id] = w.now
	case e.To.State == ha.Second:
		g.trusts[n.id] = false
	}
	left := e.From.State != ha.Wait && e.From.State != ha.Stop && e.To.State == ha.Wait
	if (left || e.To.State == ha.Stop) && len(n.active) > 0 && e.From.State != ha.Stop {
		w.fail(6, "%s enters %v while %v still runs", n.name, e.To, keys(n.active))
	}
	if e.To.State == ha.Stop && (!n.post || n.script != nil || n.vip) {
		w.fail(6, "%s stopped: poststop ran %t, script %v, virtual address %t", n.name, n.post, n.script != nil, n.vip)
	}
	w.checkActive(n, e.To)
	if e.To.State == ha.Stop {
		g.wants[n.id] = false
	}
	if e.To.State == ha.Alone && e.From.State == ha.Wait && e.To.Status != ha.Transient {
		w.fail(6, "%s became %v at once", n.name, e.To)
	}
}

// checkActive: what runs in each settled role (states.md section 1.1).
func (w *World) checkActive(n *Node, r ha.Role) {
	want, settled := map[ha.State]string{ha.Alone: "both,prim,sec", ha.Prim: "both,prim", ha.Second: "both,sec,second", ha.Up: "both"}[r.State]
	if got := strings.Join(keys(n.active), ","); settled && r.Status == ha.Ready && got != want {
		w.fail(6, "%s is %v and runs %q, want %q", n.name, r, got, want)
	}
	if r.Status == ha.Ready && n.vip != (r.State.Primary() || r.State == ha.Up) {
		w.fail(6, "%s is %v, virtual address %t", n.name, r, n.vip)
	}
}

func keys(m map[string]bool) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// checkScript: an application starts once, on writable data and with its address.
func (w *World) checkScript(n *Node, e automaton.RunScript) {
	what, starts := strings.CutPrefix(e.Name, "start_")
	if !starts {
		return
	}
	if n.active[what] {
		w.fail(6, "%s runs %s twice", n.name, e.Name)
	}
	if n.active == nil {
		n.active = map[string]bool{}
	}
	n.active[what] = true
	if what != "prim" {
		return
	}
	if !n.vip || !n.state().Primary() {
		w.fail(6, "%s runs start_prim in %v, virtual address %t", n.name, n.m.Role(), n.vip)
	}
	if n.m.Facts() != n.stored {
		w.fail(2, "%s serves before its facts are on disk", n.name)
	}
}

// checkAssign: data are not taken away under an application.
func (w *World) checkAssign(n *Node, a api.Assignment) {
	if a.Role == api.DataPrimary && a.Epoch <= w.ghost.epoch[n.id] {
		w.fail(3, "%s serves in epoch %d, which its peer has used", n.name, a.Epoch)
	}
	if a.Role != api.DataPrimary && n.rep.role == api.DataPrimary && n.rep.alive && n.active["prim"] {
		w.fail(6, "%s takes the data away while the application runs", n.name)
	}
}

// verify runs after every step.
func (w *World) verify(n *Node) {
	w.checkSplit()
	if n.published != nil && n.published.Handover != nil && n.stored.UpToDate && n.m != nil && !n.state().Primary() && !w.opt.Plain {
		w.fail(2, "%s handed over and still counts as up to date on disk", n.name)
	}
}

// checkSplit: rule 3.
func (w *World) checkSplit() {
	a, b := w.nodes[0], w.nodes[1]
	if !a.state().Primary() || !b.state().Primary() || a.frozen || b.frozen || !w.reachable(0) && !w.reachable(1) {
		w.ghost.splitSince = 0
		return
	}
	if w.ghost.splitSince == 0 {
		w.ghost.splitSince = w.now
	}
	if d := w.now - w.ghost.splitSince; d > splitWindow {
		w.fail(3, "both nodes have been primary for %v while they hear each other", d)
	}
}
