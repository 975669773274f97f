package safefmt

import (
	"errors"
	"fmt"
	"io"
)

// Limits bound what a package may cost to read. A zero field means the value
// of DefaultLimits.
type Limits struct {
	// Archive is the largest archive file, in bytes.
	Archive int64
	// Bytes is the largest sum of file contents, in bytes really produced by
	// the decompressor; what headers claim is not believed.
	Bytes int64
	// Entries is the largest number of entries, directories included.
	Entries int
	// Ratio is the largest ratio of contents to archive size.
	Ratio int64
	// SevenZip admits 7z archives. Their decoder takes memory as the numbers
	// in the file tell it to, so only a short-lived command should set this.
	SevenZip bool
}

// DefaultLimits are those of safe-package.md section 9, rule 5: 64 MiB, 2000
// entries, ratio 200; 7z archives are refused.
func DefaultLimits() Limits {
	return Limits{Archive: 66 << 20, Bytes: 64 << 20, Entries: 2000, Ratio: 200}
}

func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	if l.Archive <= 0 {
		l.Archive = d.Archive
	}
	if l.Bytes <= 0 {
		l.Bytes = d.Bytes
	}
	if l.Entries <= 0 {
		l.Entries = d.Entries
	}
	if l.Ratio <= 0 {
		l.Ratio = d.Ratio
	}
	return l
}

// budget counts what one package has used of its Limits.
type budget struct {
	lim     Limits
	bytes   int64 // contents read so far
	allowed int64 // contents allowed
	entries int
}

// newBudget takes the archive's size in bytes; 0 means that no ratio applies,
// as for a directory.
func newBudget(lim Limits, archive int64) *budget {
	b := &budget{lim: lim, allowed: lim.Bytes}
	if archive > 0 {
		b.allowed = min(b.allowed, archive*lim.Ratio)
	}
	return b
}

// entry counts one more entry.
func (b *budget) entry() error {
	b.entries++
	if b.entries > b.lim.Entries {
		return fmt.Errorf("%w: more than %d entries", ErrLimit, b.lim.Entries)
	}
	return nil
}

// read gives the whole content of r, or an error once the budget is spent.
func (b *budget) read(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, b.allowed-b.bytes+1))
	b.bytes += int64(len(data))
	if b.bytes > b.allowed {
		return nil, b.spent()
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, errors.New("truncated")
	}
	return data, err
}

func (b *budget) spent() error {
	if b.allowed < b.lim.Bytes {
		return fmt.Errorf("%w: contents are more than %d times the archive", ErrLimit, b.lim.Ratio)
	}
	return fmt.Errorf("%w: contents are more than %d bytes", ErrLimit, b.lim.Bytes)
}
