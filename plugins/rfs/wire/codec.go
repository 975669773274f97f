package wire

import (
	"encoding/binary"
	"fmt"
)

// encoder appends fixed-size little-endian numbers and counted strings.
type encoder struct{ b []byte }

func (e *encoder) u8(v uint8)   { e.b = append(e.b, v) }
func (e *encoder) u16(v uint16) { e.b = binary.LittleEndian.AppendUint16(e.b, v) }
func (e *encoder) u32(v uint32) { e.b = binary.LittleEndian.AppendUint32(e.b, v) }
func (e *encoder) u64(v uint64) { e.b = binary.LittleEndian.AppendUint64(e.b, v) }
func (e *encoder) i64(v int64)  { e.u64(uint64(v)) }

func (e *encoder) str(s string) {
	e.u32(uint32(len(s)))
	e.b = append(e.b, s...)
}

func (e *encoder) bytes(s []byte) {
	e.u32(uint32(len(s)))
	e.b = append(e.b, s...)
}

func (e *encoder) id(v ID)     { e.b = append(e.b, v[:]...) }
func (e *encoder) time(t Time) { e.i64(t.Sec); e.u32(t.Nsec) }

// decoder is the inverse; after the first error everything reads as zero.
type decoder struct {
	b   []byte
	err error
}

func (d *decoder) take(n int) []byte {
	if d.err != nil || n < 0 || n > len(d.b) {
		if d.err == nil {
			d.err = fmt.Errorf("%w: message is too short", ErrFrame)
		}
		return nil
	}
	v := d.b[:n:n]
	d.b = d.b[n:]
	return v
}

func (d *decoder) u8() uint8 {
	if v := d.take(1); v != nil {
		return v[0]
	}
	return 0
}

func (d *decoder) u16() uint16 {
	if v := d.take(2); v != nil {
		return binary.LittleEndian.Uint16(v)
	}
	return 0
}

func (d *decoder) u32() uint32 {
	if v := d.take(4); v != nil {
		return binary.LittleEndian.Uint32(v)
	}
	return 0
}

func (d *decoder) u64() uint64 {
	if v := d.take(8); v != nil {
		return binary.LittleEndian.Uint64(v)
	}
	return 0
}

func (d *decoder) i64() int64    { return int64(d.u64()) }
func (d *decoder) str() string   { return string(d.take(int(d.u32()))) }
func (d *decoder) bytes() []byte { return d.take(int(d.u32())) }

func (d *decoder) id() (v ID) {
	copy(v[:], d.take(len(v)))
	return v
}

func (d *decoder) time() Time {
	t := Time{d.i64(), d.u32()}
	if d.err == nil && t.Nsec >= 1e9 {
		d.err = fmt.Errorf("%w: time with %d nanoseconds", ErrFrame, t.Nsec)
	}
	return t
}

// count reads a number of items of at least size bytes each.
func (d *decoder) count(size int) int {
	n := int(d.u32())
	if d.err == nil && n > len(d.b)/size {
		d.err = fmt.Errorf("%w: %d items do not fit", ErrFrame, n)
	}
	if d.err != nil {
		return 0
	}
	return n
}

// end checks that nothing is left.
func (d *decoder) end() error {
	if d.err == nil && len(d.b) != 0 {
		d.err = fmt.Errorf("%w: %d bytes too many", ErrFrame, len(d.b))
	}
	return d.err
}
