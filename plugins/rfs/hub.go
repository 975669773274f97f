package rfs

import (
	"context"
	"sync"

	"github.com/safehold/safehold/plugins/api"
)

// hub carries events to the one watcher. Senders never wait; progress that the
// watcher was too slow for is replaced by newer progress.
type hub struct {
	mu      sync.Mutex // guards everything below
	queue   []api.DataEvent
	wake    chan struct{}
	current int // number of the watcher
}

// watch replaces the watcher.
func (h *hub) watch(ctx context.Context, first api.DataEvent) <-chan api.DataEvent {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.current++
	if h.wake != nil {
		close(h.wake)
	}
	h.queue, h.wake = []api.DataEvent{first}, make(chan struct{}, 1)
	h.wake <- struct{}{}
	out := make(chan api.DataEvent)
	go h.serve(ctx, out, h.wake, h.current)
	return out
}

func (h *hub) send(e api.DataEvent) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.wake == nil {
		return
	}
	if n := len(h.queue); n > 0 && e.Kind == h.queue[n-1].Kind && (e.Kind == api.SyncProgress || e.Kind == api.FactsChanged) {
		h.queue[n-1] = e
	} else {
		h.queue = append(h.queue, e)
	}
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

func (h *hub) serve(ctx context.Context, out chan<- api.DataEvent, wake <-chan struct{}, me int) {
	defer close(out)
	for {
		select {
		case _, ok := <-wake:
			if !ok {
				return
			}
		case <-ctx.Done():
			h.leave(me)
			return
		}
		for {
			e, ok := h.take(me)
			if !ok {
				break
			}
			select {
			case out <- e:
			case <-ctx.Done():
				h.leave(me)
				return
			}
		}
	}
}

func (h *hub) take(me int) (api.DataEvent, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.current != me || len(h.queue) == 0 {
		return api.DataEvent{}, false
	}
	e := h.queue[0]
	h.queue = h.queue[1:]
	return e, true
}

func (h *hub) leave(me int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.current == me {
		h.queue, h.wake = nil, nil
	}
}
