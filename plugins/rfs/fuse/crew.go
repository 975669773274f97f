package fuse

import "sync/atomic"

// crew counts the readers of a loop. A reader that takes the last look away
// from the kernel, because all others are at work, has another one started; so
// a handler may wait on its reader while requests keep coming. Readers that
// turn out to be too many leave slowly, because few warm threads serve a
// single caller faster than many cold ones.
type crew struct {
	least, most int64
	size        atomic.Int64 // readers there are
	hired       atomic.Int64 // readers ever started
	idle        atomic.Int64 // readers waiting in read(2)
	spare       atomic.Int64 // requests in a row for which enough others were idle
}

// spareLimit is after how many such requests a reader leaves.
const spareLimit = 256

// grow tells whether another reader is to be started, and counts it.
func (c *crew) grow() bool {
	c.spare.Store(0)
	for {
		n := c.size.Load()
		if n >= c.most {
			return false
		}
		if c.size.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// surplus tells whether the calling reader is to leave, and discounts it.
func (c *crew) surplus() bool {
	n := c.size.Load()
	if n <= c.least || c.idle.Load() < c.least || c.spare.Add(1) < spareLimit {
		return false
	}
	c.spare.Store(0)
	return c.size.CompareAndSwap(n, n-1)
}
