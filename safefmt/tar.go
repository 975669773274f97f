package safefmt

import (
	"bytes"
	"io"

	"github.com/mholt/archives"
)

// readTar gathers the entries of a tar stream and reads the stream to its
// end, so that a decompressor compares its checksum.
func readTar(c *collector, r io.Reader) error {
	// Headers and padding cost less than 4 KiB an entry.
	t := &tarStream{r: r, left: c.budget.allowed + int64(c.budget.lim.Entries)*4096, spent: c.budget.spent()}
	if err := readForeign(c, archives.Tar{}, t, true); err != nil {
		return err
	}
	if !t.ended() {
		return errCut
	}
	if _, err := io.Copy(io.Discard, t); err != nil {
		return readError(err)
	}
	return nil
}

// tarStream reads a tar stream: never more than left bytes, and it remembers
// the last ones, because archive/tar takes any end of file between two
// entries for the end of the archive.
type tarStream struct {
	r     io.Reader
	left  int64
	spent error // returned when left is used up
	last  []byte
}

// tarBlock is the unit of a tar stream; a block of zeros ends it.
const tarBlock = 512

// Read implements io.Reader.
func (t *tarStream) Read(p []byte) (int, error) {
	if t.left <= 0 {
		return 0, t.spent
	}
	n, err := t.r.Read(p[:min(int64(len(p)), t.left)])
	t.left -= int64(n)
	t.last = append(t.last, p[max(0, n-tarBlock):n]...)
	t.last = append(t.last[:0], t.last[max(0, len(t.last)-tarBlock):]...)
	return n, err
}

// ended tells whether the last block read is one of zeros.
func (t *tarStream) ended() bool { return bytes.Equal(t.last, make([]byte, tarBlock)) }
