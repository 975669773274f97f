package pluginhost

import "time"

// bucket limits a rate: size at once, rate per second in the long run.
type bucket struct {
	size, rate float64
	spent      float64
	at         time.Time
	dropped    int
}

// take tells whether one more is allowed now, and how many were refused since
// the last that was.
func (b *bucket) take(now time.Time) (ok bool, dropped int) {
	if passed := now.Sub(b.at).Seconds(); passed > 0 {
		b.spent = max(0, b.spent-passed*b.rate)
		b.at = now
	}
	if b.spent+1 > b.size {
		b.dropped++
		return false, 0
	}
	b.spent++
	dropped, b.dropped = b.dropped, 0
	return true, dropped
}
