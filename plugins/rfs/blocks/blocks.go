// Package blocks looks at the content of a file: where its data and holes are,
// and digests of its blocks. Both sides of a comparison use the same functions,
// so that equal content gives equal answers.
package blocks

import (
	"errors"
	"fmt"

	"github.com/zeebo/blake3"
	"golang.org/x/sys/unix"

	"github.com/safehold/safehold/plugins/rfs/wire"
)

// RecordSize is the size of one block's record: whether it has data, and its digest.
const RecordSize = 1 + wire.HashSize

// Range is [Off, Off+Len) in bytes.
type Range = wire.Range

// Data gives the ranges of [off, end) that are not holes, in order.
func Data(fd int, off, end int64) ([]Range, error) {
	var out []Range
	for off < end {
		start, err := unix.Seek(fd, off, unix.SEEK_DATA)
		if errors.Is(err, unix.ENXIO) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("find data: %w", err)
		}
		if start >= end {
			return out, nil
		}
		stop, err := unix.Seek(fd, start, unix.SEEK_HOLE)
		if err != nil {
			return nil, fmt.Errorf("find hole: %w", err)
		}
		if stop <= start { // the file shrank meanwhile
			return out, nil
		}
		stop = min(stop, end)
		out = append(out, Range{Off: start, Len: stop - start})
		off = stop
	}
	return out, nil
}

// Sum gives one record for each block of [off, off+n): 0 and zeros for a hole or
// what is behind the end, else 1 and the digest of the block's bytes.
func Sum(fd int, off, n int64, block int) ([]byte, error) {
	count := (n + int64(block) - 1) / int64(block)
	out := make([]byte, 0, count*RecordSize)
	data, err := Data(fd, off, off+n)
	if err != nil {
		return nil, err
	}
	buf := make([]byte, block)
	for at := off; at < off+n; at += int64(block) {
		var rec [RecordSize]byte
		end := min(at+int64(block), off+n)
		for len(data) > 0 && data[0].Off+data[0].Len <= at {
			data = data[1:]
		}
		if len(data) > 0 && data[0].Off < end {
			m, err := ReadAt(fd, buf[:end-at], at)
			if err != nil {
				return nil, err
			}
			if m > 0 {
				s := blake3.Sum256(buf[:m])
				rec[0] = 1
				copy(rec[1:], s[:])
			}
		}
		out = append(out, rec[:]...)
	}
	return out, nil
}

// ReadAt fills b from off as far as the file goes.
func ReadAt(fd int, b []byte, off int64) (int, error) {
	n := 0
	for n < len(b) {
		m, err := unix.Pread(fd, b[n:], off+int64(n))
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return n, fmt.Errorf("read at %d: %w", off+int64(n), err)
		}
		if m == 0 {
			break
		}
		n += m
	}
	return n, nil
}

// WriteAt writes b at off.
func WriteAt(fd int, b []byte, off int64) error {
	for len(b) > 0 {
		m, err := unix.Pwrite(fd, b, off)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return fmt.Errorf("write at %d: %w", off, err)
		}
		b, off = b[m:], off+int64(m)
	}
	return nil
}

// Copy copies all data of one file to another that is empty; holes stay holes.
func Copy(to, from int) error {
	var st unix.Stat_t
	if err := unix.Fstat(from, &st); err != nil {
		return fmt.Errorf("copy file: %w", err)
	}
	if err := unix.Ftruncate(to, st.Size); err != nil {
		return fmt.Errorf("copy file: %w", err)
	}
	data, err := Data(from, 0, st.Size)
	if err != nil {
		return err
	}
	buf := make([]byte, 1<<20)
	for _, r := range data {
		for r.Len > 0 {
			n, err := ReadAt(from, buf[:min(r.Len, int64(len(buf)))], r.Off)
			if err != nil {
				return err
			}
			if n == 0 {
				break
			}
			if err := WriteAt(to, buf[:n], r.Off); err != nil {
				return err
			}
			r.Off, r.Len = r.Off+int64(n), r.Len-int64(n)
		}
	}
	return nil
}
