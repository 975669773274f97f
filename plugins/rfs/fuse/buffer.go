package fuse

import (
	"sync"
	"unsafe"
)

const pageSize = 4096

// aligned allocates n bytes that start on a page boundary.
func aligned(n int) []byte {
	b := make([]byte, n+pageSize)
	skip := -int(uintptr(unsafe.Pointer(&b[0]))) & (pageSize - 1)
	return b[skip : skip+n : skip+n]
}

// buffer is page-aligned memory for the answer to a read or a listing.
type buffer struct {
	b    []byte
	home *sync.Pool
}

// bufferPools keep free buffers by size class. They hold memory only, no state
// that one mount could see of another.
var bufferPools = [...]struct {
	size int
	pool *sync.Pool
}{
	{4 << 10, newBufferPool(4 << 10)},
	{32 << 10, newBufferPool(32 << 10)},
	{128 << 10, newBufferPool(128 << 10)},
	{512 << 10, newBufferPool(512 << 10)},
	{1 << 20, newBufferPool(1 << 20)},
}

func newBufferPool(size int) *sync.Pool {
	p := &sync.Pool{}
	p.New = func() any { return &buffer{aligned(size), p} }
	return p
}

func getBuffer(n int) *buffer {
	for i := range bufferPools {
		if n <= bufferPools[i].size {
			return bufferPools[i].pool.Get().(*buffer)
		}
	}
	return &buffer{b: aligned(n)}
}

func (b *buffer) put() {
	if b.home != nil {
		b.home.Put(b)
	}
}
