package dirty

import (
	"maps"
	"math/bits"
	"slices"
)

// Key names a file: the index of its directory and its local inode number.
type Key struct {
	Dir uint16
	Ino uint64
}

// Range is [Off, Off+Len) in bytes.
type Range struct{ Off, Len int64 }

const (
	chunkBlocks = 4096
	chunkWords  = chunkBlocks / 64
)

type chunk [chunkWords]uint64

// Set is an exact map of blocks. It is not safe for concurrent use.
type Set struct {
	block int64
	files map[Key]map[int64]*chunk
}

// NewSet makes an empty map of blocks of that many bytes, a power of two.
func NewSet(block int) *Set {
	return &Set{int64(block), map[Key]map[int64]*chunk{}}
}

// Mark adds every block that [off, off+n) touches.
func (s *Set) Mark(k Key, off, n int64) {
	s.each(k, off, n, true, func(c *chunk, w int, m uint64) { c[w] |= m })
}

// Clear takes away every block that [off, off+n) touches.
func (s *Set) Clear(k Key, off, n int64) {
	s.each(k, off, n, false, func(c *chunk, w int, m uint64) { c[w] &^= m })
}

func (s *Set) each(k Key, off, n int64, make bool, f func(*chunk, int, uint64)) {
	if n <= 0 || off < 0 {
		return
	}
	first, last := off/s.block, (off+n-1)/s.block
	file := s.files[k]
	if file == nil {
		if !make {
			return
		}
		file = map[int64]*chunk{}
		s.files[k] = file
	}
	for b := first; b <= last; {
		ci, in := b/chunkBlocks, int(b%chunkBlocks)
		end := min(last, ci*chunkBlocks+chunkBlocks-1)
		c := file[ci]
		if c == nil && make {
			c = &chunk{}
			file[ci] = c
		}
		if c != nil {
			maskWords(in, int(end%chunkBlocks), func(w int, m uint64) { f(c, w, m) })
		}
		b = end + 1
	}
	if !make {
		s.trim(k, file)
	}
}

// maskWords calls f for each word of bits first to last.
func maskWords(first, last int, f func(int, uint64)) {
	for w := first / 64; w <= last/64; w++ {
		m := ^uint64(0)
		if w == first/64 {
			m &= ^uint64(0) << (first % 64)
		}
		if w == last/64 {
			m &= ^uint64(0) >> (63 - last%64)
		}
		f(w, m)
	}
}

func (s *Set) trim(k Key, file map[int64]*chunk) {
	maps.DeleteFunc(file, func(_ int64, c *chunk) bool { return *c == chunk{} })
	if len(file) == 0 {
		delete(s.files, k)
	}
}

// Forget takes the whole file away.
func (s *Set) Forget(k Key) { delete(s.files, k) }

// Has tells whether any block of the file is marked.
func (s *Set) Has(k Key) bool { return len(s.files[k]) != 0 }

// Ranges gives the marked ranges of a file in order, block-aligned, joined.
func (s *Set) Ranges(k Key) []Range {
	file := s.files[k]
	var out []Range
	for _, ci := range slices.Sorted(maps.Keys(file)) {
		c := file[ci]
		for w, word := range c {
			for word != 0 {
				lo := bits.TrailingZeros64(word)
				n := bits.TrailingZeros64(^(word >> lo))
				off := (ci*chunkBlocks + int64(w*64+lo)) * s.block
				if l := len(out) - 1; l >= 0 && out[l].Off+out[l].Len == off {
					out[l].Len += int64(n) * s.block
				} else {
					out = append(out, Range{off, int64(n) * s.block})
				}
				if lo+n == 64 {
					break
				}
				word &= ^uint64(0) << (lo + n)
			}
		}
	}
	return out
}

// Merge adds all of o.
func (s *Set) Merge(o *Set) {
	for k, file := range o.files {
		mine := s.files[k]
		if mine == nil {
			mine = map[int64]*chunk{}
			s.files[k] = mine
		}
		for ci, c := range file {
			if mine[ci] == nil {
				mine[ci] = &chunk{}
			}
			for w := range c {
				mine[ci][w] |= c[w]
			}
		}
	}
}

// Bytes is the size of all marked blocks.
func (s *Set) Bytes() int64 {
	n := 0
	for _, file := range s.files {
		for _, c := range file {
			for _, w := range c {
				n += bits.OnesCount64(w)
			}
		}
	}
	return int64(n) * s.block
}

// Files gives the marked files.
func (s *Set) Files() []Key { return slices.Collect(maps.Keys(s.files)) }

// Empty tells whether nothing is marked.
func (s *Set) Empty() bool { return len(s.files) == 0 }
