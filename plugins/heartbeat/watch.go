package heartbeat

import (
	"context"
	"sync"

	"github.com/safehold/safehold/plugins/api"
)

// maxWaiting bounds the events a slow watcher may owe.
const maxWaiting = 256

// watcher hands events to one Watch call without ever holding up the sender.
type watcher struct {
	out   chan api.HeartbeatEvent
	more  chan struct{}
	ended chan struct{}
	once  sync.Once

	mu      sync.Mutex // guards waiting
	waiting []api.HeartbeatEvent
}

func newWatcher() *watcher {
	return &watcher{out: make(chan api.HeartbeatEvent), more: make(chan struct{}, 1), ended: make(chan struct{})}
}

// add queues events; false when the watcher is too far behind.
func (w *watcher) add(events ...api.HeartbeatEvent) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.waiting)+len(events) > maxWaiting {
		return false
	}
	w.waiting = append(w.waiting, events...)
	w.signal()
	return true
}

// replace drops what waits: the present says it all.
func (w *watcher) replace(events []api.HeartbeatEvent) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting = events
	w.signal()
}

func (w *watcher) signal() {
	select {
	case w.more <- struct{}{}:
	default:
	}
}

func (w *watcher) stop() { w.once.Do(func() { close(w.ended) }) }

func (w *watcher) next() (api.HeartbeatEvent, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.waiting) == 0 {
		return api.HeartbeatEvent{}, false
	}
	e := w.waiting[0]
	w.waiting = w.waiting[1:]
	return e, true
}

// run owns out until ctx ends or stop is called.
func (w *watcher) run(ctx context.Context) {
	defer close(w.out)
	for {
		e, ok := w.next()
		if !ok {
			select {
			case <-w.more:
			case <-w.ended:
				return
			case <-ctx.Done():
				return
			}
			continue
		}
		select {
		case w.out <- e:
		case <-w.ended:
			return
		case <-ctx.Done():
			return
		}
	}
}
