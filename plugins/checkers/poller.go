package checkers

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/safehold/safehold/plugins/api"
	"github.com/safehold/safehold/plugins/checkers/errd"
)

// poller looks at the machine for all monitored processes together. Its
// goroutine lives while there are any.
type poller struct {
	machine errd.Machine

	mu      sync.Mutex // guards everything below
	watches map[*errd.Watch]func(api.Result)
	wake    chan struct{} // nil when the goroutine does not run
}

func newPoller(proc string) *poller {
	return &poller{machine: errd.Machine{Proc: proc}, watches: map[*errd.Watch]func(api.Result){}}
}

// add follows a valid check until ctx ends.
func (p *poller) add(ctx context.Context, c api.Check, report func(api.Result)) {
	w, err := errd.NewWatch(c, time.Now())
	if err != nil {
		return // Run validated it
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.watches[w] = report
	context.AfterFunc(ctx, func() { p.remove(w) })
	if p.wake == nil {
		p.wake = make(chan struct{}, 1)
		go p.run(p.wake)
	}
	p.poke()
}

func (p *poller) remove(w *errd.Watch) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.watches, w)
	p.poke()
}

func (p *poller) poke() {
	if p.wake == nil {
		return
	}
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *poller) run(wake chan struct{}) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-wake:
		case <-timer.C:
		}
		now := time.Now()
		due, limit := p.due(now)
		if len(due) > 0 {
			p.look(now, due, limit)
		}
		wait, any := p.next(time.Now())
		if !any {
			return
		}
		timer.Reset(wait)
	}
}

// look never lasts longer than a poll: systemd may be slow to answer.
func (p *poller) look(now time.Time, due map[*errd.Watch]func(api.Result), limit time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	p.machine.Look(ctx, now, slices.Collect(maps.Keys(due)), func(w *errd.Watch, r api.Result) { due[w](r) })
}

// slack lets watches that are due almost together share a scan.
const slack = 20 * time.Millisecond

func (p *poller) due(now time.Time) (due map[*errd.Watch]func(api.Result), limit time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	due = map[*errd.Watch]func(api.Result){}
	for w, report := range p.watches {
		if !w.Next().After(now.Add(slack)) {
			due[w] = report
			limit = max(limit, w.Poll)
		}
	}
	return due, limit
}

// next is the wait until the next look; false when nothing is left to watch
// and the goroutine ends.
func (p *poller) next(now time.Time) (time.Duration, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.watches) == 0 {
		p.wake = nil
		p.machine.Services.Close()
		return 0, false
	}
	first := true
	var at time.Time
	for w := range p.watches {
		if first || w.Next().Before(at) {
			at, first = w.Next(), false
		}
	}
	return max(at.Sub(now), 0), true
}
