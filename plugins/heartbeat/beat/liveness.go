// Package beat decides what pulses mean: which links are up and which words of
// the peer are the newest. It is pure: times are durations since any fixed
// moment of a clock that counts suspension too, and come in as arguments.
//
//	          Heard                    silence ≥ Timeout
//	untold ───────────► up ──────────────────────────────► down
//	   │                 ▲                                  │ │
//	   │                 └───────────── Heard ──────────────┘ │
//	   └───────────────── silence ≥ Timeout ──────────────────┘
package beat

import (
	"slices"
	"time"
)

// Link is one link to watch.
type Link struct {
	Ident   string
	Timeout time.Duration // silence after which the link is down
}

// Change tells that a link went up or down.
type Change struct {
	Ident string
	Up    bool
}

type state uint8

const (
	untold state = iota // since the start neither heard nor silent for long enough
	up
	down
)

type link struct {
	Link
	state state
	last  time.Duration // last heard, or the start
}

// Liveness watches links. The zero value watches none.
type Liveness struct {
	links []link
}

// Set replaces the watched links. A link whose ident stays keeps its state.
func (l *Liveness) Set(links []Link, now time.Duration) {
	next := make([]link, 0, len(links))
	for _, want := range links {
		k := link{Link: want, last: now}
		if old := l.find(want.Ident); old != nil {
			k.state, k.last = old.state, old.last
		}
		next = append(next, k)
	}
	l.links = next
}

// Reset makes a link as if it had just been added.
func (l *Liveness) Reset(ident string, now time.Duration) {
	if k := l.find(ident); k != nil {
		k.state, k.last = untold, now
	}
}

func (l *Liveness) find(ident string) *link {
	i := slices.IndexFunc(l.links, func(k link) bool { return k.Ident == ident })
	if i < 0 {
		return nil
	}
	return &l.links[i]
}

// Tick judges silence. Call it before Heard with the same time, so that a
// process that stood still learns first that it was deaf.
func (l *Liveness) Tick(now time.Duration) []Change {
	var changes []Change
	for i := range l.links {
		k := &l.links[i]
		if k.state != down && now-k.last >= k.Timeout {
			k.state = down
			changes = append(changes, Change{Ident: k.Ident})
		}
	}
	return changes
}

// Heard notes a sign of life on a link.
func (l *Liveness) Heard(ident string, now time.Duration) []Change {
	k := l.find(ident)
	if k == nil {
		return nil
	}
	k.last = now
	if k.state == up {
		return nil
	}
	k.state = up
	return []Change{{Ident: ident, Up: true}}
}

// Next is when Tick may have something to say; false when silence can change nothing.
func (l *Liveness) Next() (time.Duration, bool) {
	var next time.Duration
	found := false
	for _, k := range l.links {
		if at := k.last + k.Timeout; k.state != down && (!found || at < next) {
			next, found = at, true
		}
	}
	return next, found
}

// AnyUp tells whether the peer is heard at all.
func (l *Liveness) AnyUp() bool {
	return slices.ContainsFunc(l.links, func(k link) bool { return k.state == up })
}

// Now gives the state of each link that has one, as changes.
func (l *Liveness) Now() []Change {
	var all []Change
	for _, k := range l.links {
		if k.state != untold {
			all = append(all, Change{Ident: k.Ident, Up: k.state == up})
		}
	}
	return all
}
