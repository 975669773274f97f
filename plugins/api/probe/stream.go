package probe

import (
	"context"
	"slices"
	"sync"

	"github.com/safehold/safehold/plugins/api"
)

// stream hands results to one Run without ever holding up a check. Of each
// resource at most one result waits: the newest.
type stream struct {
	out   chan api.Result
	more  chan struct{}
	ended chan struct{}
	once  sync.Once

	mu      sync.Mutex // guards waiting
	waiting []api.Result
}

func newStream() *stream {
	return &stream{out: make(chan api.Result), more: make(chan struct{}, 1), ended: make(chan struct{})}
}

func (s *stream) add(r api.Result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.waiting, func(w api.Result) bool { return w.Resource == r.Resource })
	if i >= 0 {
		s.waiting[i] = r
	} else {
		s.waiting = append(s.waiting, r)
	}
	select {
	case s.more <- struct{}{}:
	default:
	}
}

func (s *stream) stop() { s.once.Do(func() { close(s.ended) }) }

func (s *stream) next() (api.Result, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting) == 0 {
		return api.Result{}, false
	}
	r := s.waiting[0]
	s.waiting = s.waiting[1:]
	return r, true
}

// run owns out until ctx ends or stop is called.
func (s *stream) run(ctx context.Context) {
	defer close(s.out)
	for {
		r, ok := s.next()
		if !ok {
			select {
			case <-s.more:
			case <-s.ended:
				return
			case <-ctx.Done():
				return
			}
			continue
		}
		select {
		case s.out <- r:
		case <-s.ended:
			return
		case <-ctx.Done():
			return
		}
	}
}
