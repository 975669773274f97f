// Package flow is what stands between the file systems of a primary and its
// peer: a gate that can hold modifications, one total order of those that pass,
// and the session they are sent on, if any.
//
// A modification does, in this order: Enter; RLock; apply locally and Send;
// RUnlock; Wait; Leave. Whoever changes the session, or needs a moment at which
// no modification is half done, takes Lock instead of RLock. Flow starts no
// goroutine.
package flow

import (
	"context"
	"errors"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/safehold/safehold/plugins/rfs/dirty"
	"github.com/safehold/safehold/plugins/rfs/peer"
	"github.com/safehold/safehold/plugins/rfs/wire"
)

// Flow is shared by all directories of a module.
type Flow struct {
	Tracker *dirty.Tracker

	order   sync.RWMutex
	session *peer.Session // guarded by order

	mu     sync.Mutex // guards everything below
	cond   *sync.Cond
	held   bool
	closed bool
	lost   bool // closed while held: what waits was never acknowledged
	inside int
}

// New makes a flow whose gate is open, or held.
func New(t *dirty.Tracker, held bool) *Flow {
	f := &Flow{Tracker: t, held: held}
	f.cond = sync.NewCond(&f.mu)
	return f
}

// Enter waits while the gate is held. It gives EIO once the gate is closed.
func (f *Flow) Enter() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.held && !f.closed {
		f.cond.Wait()
	}
	if f.closed {
		return unix.EIO
	}
	f.inside++
	return nil
}

// Leave ends what Enter began.
func (f *Flow) Leave() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.inside--
	f.cond.Broadcast()
}

// Hold makes modifications wait, those inside as well unless the peer has
// acknowledged them.
func (f *Flow) Hold() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.held = true
}

// Held tells whether the gate is held.
func (f *Flow) Held() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.held
}

// Release lets them go on.
func (f *Flow) Release() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.held = false
	f.cond.Broadcast()
}

// Close refuses modifications from now on. What waits behind a held gate fails.
func (f *Flow) Close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed, f.lost = true, f.held
	f.cond.Broadcast()
}

// Drained waits until nobody is inside a closed gate.
func (f *Flow) Drained(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.cond.Broadcast()
	})
	defer stop()
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.inside > 0 && ctx.Err() == nil {
		f.cond.Wait()
	}
	if f.inside > 0 {
		return context.Cause(ctx)
	}
	return nil
}

// RLock opens the part of a modification that happens locally and towards the
// peer at once. It must not be nested.
func (f *Flow) RLock() { f.order.RLock() }

// RUnlock closes it.
func (f *Flow) RUnlock() { f.order.RUnlock() }

// Lock waits until no modification is half done and keeps new ones out.
func (f *Flow) Lock() { f.order.Lock() }

// Unlock lets them in again.
func (f *Flow) Unlock() { f.order.Unlock() }

// SetSession sets where modifications are sent, nil: nowhere. Lock is held.
func (f *Flow) SetSession(s *peer.Session) {
	f.session = s
	if s != nil {
		f.Tracker.Follow()
	} else {
		f.Tracker.Unfollow()
	}
}

// Session is where modifications are sent. RLock or Lock is held.
func (f *Flow) Session() *peer.Session { return f.session }

// Send sends a change, if there is a peer. RLock is held. A session that just
// ended gives a nil ticket.
func (f *Flow) Send(c *wire.Change) *peer.Ticket {
	if f.session == nil {
		return nil
	}
	t, err := f.session.Send(wire.TypeChange, c.Marshal(), nil)
	if err != nil {
		return nil
	}
	return t
}

// SendWrite sends new bytes of a bound file, if there is a peer.
func (f *Flow) SendWrite(file uint64, off int64, data []byte) *peer.Ticket {
	if f.session == nil || file == 0 {
		return nil
	}
	t, err := f.session.Send(wire.TypeWrite, wire.MarshalWrite(file, off), data)
	if err != nil {
		return nil
	}
	return t
}

// Wait returns when the modification may be acknowledged: the peer has it, or
// the gate is not held. RLock is not held.
func (f *Flow) Wait(tickets ...*peer.Ticket) error {
	acked := len(tickets) > 0
	for _, t := range tickets {
		if t == nil {
			acked = false
			continue
		}
		if err := t.Wait(); err != nil {
			if !errors.Is(err, peer.ErrLost) {
				return err
			}
			acked = false
		}
	}
	if acked {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.held && !f.closed {
		f.cond.Wait()
	}
	if f.closed && f.lost {
		return unix.EIO
	}
	return nil
}
