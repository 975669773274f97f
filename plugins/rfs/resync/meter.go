package resync

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/safehold/safehold/plugins/rfs/wire"
)

// meter counts. Sizes in bytes.
type meter struct {
	mode                     string
	start                    time.Time
	files, copied            atomic.Int64
	planned, examined, moved atomic.Int64
	compared                 atomic.Int64
	dir                      atomic.Pointer[string]
}

func newMeter(mode string) *meter {
	m := &meter{mode: mode, start: time.Now()}
	none := ""
	m.dir.Store(&none)
	return m
}

// snapshot gives the progress. What is still to be examined counts as if all of
// it had to be moved, so Total only falls as more is known.
func (m *meter) snapshot(now time.Time) wire.Stats {
	elapsed := now.Sub(m.start)
	left := max(m.planned.Load()-m.examined.Load(), 0)
	s := wire.Stats{Mode: m.mode, Dir: *m.dir.Load(), Files: m.files.Load(), Copied: m.copied.Load(), Done: m.moved.Load(),
		Total: m.moved.Load() + left, Compared: m.compared.Load(), Elapsed: elapsed}
	if sec := elapsed.Seconds(); sec > 0 {
		s.Rate = float64(s.Done) / sec
		if ex := float64(m.examined.Load()); ex > 0 {
			s.Remaining = time.Duration(float64(left) / ex * float64(elapsed))
		}
	}
	return s
}

// limiter keeps a rate of bytes per second over all threads.
type limiter struct {
	rate int64
	mu   sync.Mutex // guards next
	next time.Time
}

func newLimiter(rate int64) *limiter { return &limiter{rate: rate} }

// wait waits until n more bytes are allowed.
func (l *limiter) wait(ctx context.Context, n int64) error {
	if l.rate <= 0 || n == 0 {
		return ctx.Err()
	}
	l.mu.Lock()
	now := time.Now()
	if l.next.Before(now) {
		l.next = now
	}
	at := l.next
	l.next = at.Add(time.Duration(float64(n) / float64(l.rate) * float64(time.Second)))
	l.mu.Unlock()
	t := time.NewTimer(time.Until(at))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
