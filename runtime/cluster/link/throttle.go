package link

import (
	"net/netip"
	"sync"
	"time"
)

// Limits on attempts to prove the password. Anybody may fail a few times; then
// each further failure doubles the wait.
const (
	freeFailures   = 5  // per address
	freeInAll      = 50 // of all addresses together
	firstWait      = time.Second
	longestWait    = 5 * time.Minute
	forgetAfter    = 30 * time.Minute
	maxTracked     = 1024
	longestAllWait = 10 * time.Second
)

// throttle delays guessing. Time is given to it; it has no clock.
type throttle struct {
	// mu guards everything below.
	mu    sync.Mutex
	addrs map[netip.Prefix]*record
	all   record
}

// record counts the failures of one origin since it was last forgotten.
type record struct {
	failures int
	last     time.Time
	until    time.Time // no attempt before
}

func newThrottle() *throttle { return &throttle{addrs: map[netip.Prefix]*record{}} }

// begin asks for one attempt. It counts as failed until succeed is called, so
// that attempts in parallel do not slip through. wait is above zero when the
// attempt must not be looked at.
func (t *throttle) begin(addr netip.Addr, now time.Time) (wait time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.record(origin(addr), now)
	t.all.forget(now)
	if wait = max(r.until.Sub(now), t.all.until.Sub(now)); wait > 0 {
		return wait
	}
	r.fail(now, freeFailures, longestWait)
	t.all.fail(now, freeInAll, longestAllWait)
	return 0
}

// succeed takes back the attempt begun and everything counted for its address.
func (t *throttle) succeed(addr netip.Addr) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.addrs, origin(addr))
	t.all.failures = max(t.all.failures-1, 0)
	if t.all.failures < freeInAll {
		t.all.until = time.Time{}
	}
}

func (t *throttle) record(from netip.Prefix, now time.Time) *record {
	r := t.addrs[from]
	if r == nil {
		if len(t.addrs) >= maxTracked {
			t.drop()
		}
		r = &record{}
		t.addrs[from] = r
	}
	r.forget(now)
	return r
}

// drop makes room: the address that failed longest ago goes.
func (t *throttle) drop() {
	var oldest netip.Prefix
	for from, r := range t.addrs {
		if o := t.addrs[oldest]; o == nil || r.last.Before(o.last) {
			oldest = from
		}
	}
	delete(t.addrs, oldest)
}

func (r *record) forget(now time.Time) {
	if now.Sub(r.last) > forgetAfter {
		*r = record{}
	}
}

func (r *record) fail(now time.Time, free int, longest time.Duration) {
	r.failures++
	r.last = now
	if over := r.failures - free; over >= 0 {
		r.until = now.Add(min(firstWait<<min(over, 20), longest))
	}
}

// origin is what one attacker can change at will: the whole /64 of IPv6.
func origin(addr netip.Addr) netip.Prefix {
	addr = addr.Unmap()
	bits := 32
	if addr.Is6() {
		bits = 64
	}
	p, _ := addr.WithZone("").Prefix(bits) // an invalid address is one origin too
	return p
}
