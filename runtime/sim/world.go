package sim

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/safehold/safehold/runtime/automaton"
	"github.com/safehold/safehold/runtime/ha"
)

// The times of the simulated product.
const (
	pulseEvery   = 700 * time.Millisecond
	linkTimeout  = 30 * time.Second
	holdLimit    = automaton.DefaultHoldLimit
	appEvery     = 400 * time.Millisecond
	pluginLimit  = 60 * time.Second
	links        = 2
	dataLink     = 0
	rebootTime   = 3 * time.Second
	maxScript    = 4 * time.Second
	splitWindow  = 120 * time.Second
	pendingBound = 50 * time.Second
	maxBuffered  = 8 // datagrams a frozen node's kernel keeps
)

// Options are what differs between worlds.
type Options struct {
	Seed        uint64
	Mode        ha.Mode // 0 = mirror
	Plain       bool    // no <rfs>
	DefaultPrim string
	FailoverOff bool
	Flow        bool // heartbeat 0 is ident="flow"
	OneLink     bool
	Durable     bool // async="none"
	Reboot      bool // automatic_reboot
	Lossy       bool // messages get lost and reordered
	Faults      automaton.Fault
	SlowCopy    bool // a catch-up takes many seconds
	Reattach    bool // a secondary that lost its primary connects again by itself
	// DirtyEarly breaks the replicator: dirty is cleared before the copy is acknowledged.
	DirtyEarly bool
	// NoHold breaks the replicator: writes are acknowledged although the secondary is lost.
	NoHold bool
}

// World is two nodes and all between them.
type World struct {
	opt   Options
	now   time.Duration
	rng   *rand.Rand
	queue queue
	n     uint64
	nodes [2]*Node
	// cut[link][from]: datagrams of node from are dropped on that link.
	cut       [links][2]bool
	dropped   [links][2]int
	ghost     ghost
	Steps     int
	violation error
}

type item struct {
	at time.Duration
	n  uint64
	fn func()
}

type queue []item

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].n < q[j].n
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(item)) }
func (q *queue) Pop() any {
	old := *q
	x := old[len(old)-1]
	*q = old[:len(old)-1]
	return x
}

// New makes a world with two configured, stopped nodes.
func New(o Options) *World {
	if o.Mode == 0 {
		o.Mode = ha.Mirror
	}
	w := &World{opt: o, now: time.Hour, rng: rand.New(rand.NewPCG(o.Seed, 7))}
	w.ghost.init()
	for i := range w.nodes {
		w.nodes[i] = newNode(w, i)
	}
	for _, n := range w.nodes {
		n.boot()
	}
	w.apps()
	return w
}

// apps lets both applications write, now and for ever.
func (w *World) apps() {
	for _, n := range w.nodes {
		n.app()
	}
	w.after(appEvery, w.apps)
}

func (w *World) after(d time.Duration, fn func()) {
	w.n++
	heap.Push(&w.queue, item{w.now + d, w.n, fn})
}

// between gives a random duration.
func (w *World) between(a, b time.Duration) time.Duration {
	return a + time.Duration(w.rng.Int64N(int64(b-a)+1))
}

// Run lets time pass, until a violation.
func (w *World) Run(d time.Duration) error {
	end := w.now + d
	for w.violation == nil && len(w.queue) > 0 && w.queue[0].at <= end {
		it := heap.Pop(&w.queue).(item)
		w.now = max(w.now, it.at)
		it.fn()
	}
	w.now = max(w.now, end)
	if w.violation == nil {
		w.checkSplit()
	}
	return w.violation
}

func (w *World) fail(rule int, format string, args ...any) {
	if w.violation == nil {
		w.violation = fmt.Errorf("rule %d broken at %v: %s", rule, w.now-time.Hour, fmt.Sprintf(format, args...))
	}
}

func (w *World) links() int {
	if w.opt.OneLink {
		return 1
	}
	return links
}

// reachable tells whether any datagram of a node can arrive at the other.
func (w *World) reachable(from int) bool {
	for l := range w.links() {
		if !w.cut[l][from] {
			return true
		}
	}
	return false
}

// dataNet tells whether the replication's network works both ways.
func (w *World) dataNet() bool { return !w.cut[dataLink][0] && !w.cut[dataLink][1] }

// SetCut cuts or heals one direction of a link.
func (w *World) SetCut(link, from int, cut bool) {
	w.cut[link][from] = cut
	w.ghost.splitSince = 0
	w.noteCut()
}

func (w *World) noteCut() {
	for from := range w.nodes {
		if w.reachable(from) {
			w.ghost.reach[from] = append(w.ghost.reach[from], span{w.now, true})
		} else {
			w.ghost.everCut = true
			w.ghost.reach[from] = append(w.ghost.reach[from], span{w.now, false})
		}
	}
}
