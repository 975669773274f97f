package fuse

import (
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// slot is what a request holds while it is in work: the right to answer, the
// memory its bytes lie in, and room for the answer. Slots are used again and
// again; a stale Request is told from the present one by its Unique, which the
// kernel never repeats.
type slot struct {
	owed atomic.Uint64 // Unique of the request that still owes an answer, or 0
	kept atomic.Uint64 // Unique of the request whose data is retained, or 0
	refs atomic.Int32  // one for the answer, one for retained data

	via   replier // where the request came from; its answer goes there
	chunk *chunk
	buf   *buffer
	fill  int // bytes of buf in use by a listing
	home  *sync.Pool

	out [outHeaderSize + entrySize + openedSize]byte
	vec [2]unix.Iovec
}

func newSlotPool() *sync.Pool {
	p := &sync.Pool{}
	p.New = func() any { return &slot{home: p} }
	return p
}

// begin prepares a slot for a request that must be answered.
func (s *slot) begin(unique uint64, via replier) {
	via.retain()
	s.via, s.fill = via, 0
	s.refs.Store(1)
	s.owed.Store(unique)
}

// send writes the answer, whose body of n bytes is in out already, and gives
// up the answer's share of the slot.
func (s *slot) send(unique uint64, errno unix.Errno, n int, data []byte) error {
	if errno != 0 {
		n, data = 0, nil
	}
	putU32(s.out[:], 0, uint32(outHeaderSize+n+len(data)))
	putU32(s.out[:], 4, uint32(-int32(errno)))
	putU64(s.out[:], 8, unique)
	err := s.via.reply(s, s.out[:outHeaderSize+n], data)
	s.unref()
	return replyFailure(err)
}

// buffer returns n bytes of page-aligned memory for the answer.
func (s *slot) buffer(n int) []byte {
	if s.buf == nil {
		s.buf = getBuffer(n)
	}
	return s.buf.b[:n]
}

// hold keeps the memory of the request's own bytes until the slot is free.
func (s *slot) hold(c *chunk) {
	c.refs.Add(1)
	s.chunk = c
}

func (s *slot) unref() {
	if s.refs.Add(-1) != 0 {
		return
	}
	s.via.release()
	s.via = nil
	if s.chunk != nil {
		s.chunk.unref()
		s.chunk = nil
	}
	if s.buf != nil {
		s.buf.put()
		s.buf = nil
	}
	s.home.Put(s)
}
