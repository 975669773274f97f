package pluginhost

import "time"

// Backoff says how long to wait before the next start. Zero fields take the defaults.
type Backoff struct {
	Min   time.Duration // before the first restart; 50 ms
	Max   time.Duration // at most; 10 s
	Reset time.Duration // after having been up this long, Min again; 60 s
}

func (b Backoff) withDefaults() Backoff {
	if b.Min <= 0 {
		b.Min = 50 * time.Millisecond
	}
	if b.Max <= 0 {
		b.Max = 10 * time.Second
	}
	if b.Reset <= 0 {
		b.Reset = time.Minute
	}
	return b
}

// next gives the wait after a run that was up for up, when the wait before that
// run had been last (0: it was the first).
func (b Backoff) next(last, up time.Duration) time.Duration {
	if last == 0 || up >= b.Reset {
		return b.Min
	}
	return min(2*last, b.Max)
}
