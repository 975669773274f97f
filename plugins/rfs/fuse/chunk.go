package fuse

import (
	"sync"
	"sync/atomic"
)

// chunk is memory that a reader reads messages into, one behind the other. It
// is free again when the reader and all requests in it have let go. Thus the
// kernel's one copy is the only one, and small writes do not each pin a buffer
// of the largest size.
type chunk struct {
	b    []byte
	refs atomic.Int32
	home *chunkPool
}

// chunkPool bounds the number of chunks, and keeps some free ones.
type chunkPool struct {
	size int
	keep int        // free chunks beyond these are given back to the system
	mu   sync.Mutex // guards everything below
	more sync.Cond  // a chunk became free, or the pool was closed
	free []*chunk
	left int // chunks that may still be made
	done bool
}

// newChunkPool makes a pool of at most limit chunks of size bytes, of which up
// to keep stay when they are free.
func newChunkPool(size, limit, keep int) *chunkPool {
	p := &chunkPool{size: size, keep: keep, left: limit}
	p.more.L = &p.mu
	return p
}

// get returns a chunk with one reference, waiting until there is one; nil when
// the pool is closed.
func (p *chunkPool) get() *chunk {
	p.mu.Lock()
	defer p.mu.Unlock()
	for !p.done {
		if n := len(p.free); n > 0 {
			c := p.free[n-1]
			p.free = p.free[:n-1]
			c.refs.Store(1)
			return c
		}
		if p.left > 0 {
			p.left--
			c := &chunk{b: aligned(p.size), home: p}
			c.refs.Store(1)
			return c
		}
		p.more.Wait()
	}
	return nil
}

// close wakes everybody who waits in get.
func (p *chunkPool) close() {
	p.mu.Lock()
	p.done = true
	p.mu.Unlock()
	p.more.Broadcast()
}

func (c *chunk) unref() {
	if c.refs.Add(-1) != 0 {
		return
	}
	p := c.home
	p.mu.Lock()
	if len(p.free) < p.keep {
		p.free = append(p.free, c)
	} else {
		p.left++
	}
	p.mu.Unlock()
	p.more.Signal()
}
