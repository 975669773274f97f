package dirty

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/cespare/xxhash/v2"
)

// ErrCorrupt is wrapped when a saved map cannot be believed.
var ErrCorrupt = errors.New("dirty map is damaged")

const (
	setMagic  = "SFDIRTY1"
	setHeader = 8 + 8
	setRecord = 2 + 8 + 8 + chunkWords*8
)

// Marshal gives the map as bytes: magic, block size, one record per chunk
// (directory, inode, chunk number, bits), checksum.
func (s *Set) Marshal() []byte {
	b := binary.LittleEndian.AppendUint64([]byte(setMagic), uint64(s.block))
	keys := s.Files()
	slices.SortFunc(keys, func(a, b Key) int {
		if a.Dir != b.Dir {
			return int(a.Dir) - int(b.Dir)
		}
		if a.Ino < b.Ino {
			return -1
		}
		return 1
	})
	for _, k := range keys {
		for ci, c := range s.files[k] {
			b = binary.LittleEndian.AppendUint16(b, k.Dir)
			b = binary.LittleEndian.AppendUint64(b, k.Ino)
			b = binary.LittleEndian.AppendUint64(b, uint64(ci))
			for _, w := range c {
				b = binary.LittleEndian.AppendUint64(b, w)
			}
		}
	}
	return binary.LittleEndian.AppendUint64(b, xxhash.Sum64(b))
}

// UnmarshalSet is the inverse. A map of another block size is widened to ranges
// of the wanted one, so that the size may be changed between two starts.
func UnmarshalSet(b []byte, block int) (*Set, error) {
	if len(b) < setHeader+8 || string(b[:8]) != setMagic || (len(b)-setHeader-8)%setRecord != 0 {
		return nil, fmt.Errorf("%w: wrong shape", ErrCorrupt)
	}
	body := b[:len(b)-8]
	if binary.LittleEndian.Uint64(b[len(body):]) != xxhash.Sum64(body) {
		return nil, fmt.Errorf("%w: checksum differs", ErrCorrupt)
	}
	old := int64(binary.LittleEndian.Uint64(b[8:]))
	if old <= 0 || old&(old-1) != 0 || old > 1<<30 {
		return nil, fmt.Errorf("%w: block size %d", ErrCorrupt, old)
	}
	in := NewSet(int(old))
	for r := body[setHeader:]; len(r) > 0; r = r[setRecord:] {
		k := Key{binary.LittleEndian.Uint16(r), binary.LittleEndian.Uint64(r[2:])}
		ci := int64(binary.LittleEndian.Uint64(r[10:]))
		if ci < 0 || ci > (1<<62)/(chunkBlocks*old) {
			return nil, fmt.Errorf("%w: chunk %d", ErrCorrupt, ci)
		}
		c := &chunk{}
		for w := range c {
			c[w] = binary.LittleEndian.Uint64(r[18+8*w:])
		}
		if *c == (chunk{}) {
			continue
		}
		if in.files[k] == nil {
			in.files[k] = map[int64]*chunk{}
		}
		in.files[k][ci] = c
	}
	if old == int64(block) {
		return in, nil
	}
	out := NewSet(block)
	for _, k := range in.Files() {
		for _, r := range in.Ranges(k) {
			out.Mark(k, r.Off, r.Len)
		}
	}
	return out, nil
}
