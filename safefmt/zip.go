package safefmt

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

const (
	flagEncrypted = 0x1 | 0x40 | 0x2000 // classic, strong, masked headers

	creatorUnix  = 3
	creatorMacOS = 19
)

var centralMagic = []byte("PK\x01\x02")

// readZip gathers the entries of a zip archive.
func readZip(c *collector, data []byte) error {
	// The directory is loaded whole by archive/zip, whatever count the archive
	// claims, so its size is bounded first; the exact count comes later.
	if bytes.Count(data, centralMagic) > 16*c.budget.lim.Entries {
		return fmt.Errorf("%w: more than %d entries", ErrLimit, c.budget.lim.Entries)
	}
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return errors.New("not a complete zip archive; it may be damaged or cut short")
	}
	for _, f := range z.File {
		if err := addZipped(c, f); err != nil {
			return err
		}
	}
	return nil
}

func addZipped(c *collector, f *zip.File) error {
	if f.Flags&flagEncrypted != 0 {
		return at(printable(f.Name), errors.New("encrypted entry"))
	}
	if f.Method != zip.Store && f.Method != zip.Deflate {
		return at(printable(f.Name), fmt.Errorf("unsupported compression method %d", f.Method))
	}
	creator := f.CreatorVersion >> 8
	raw := rawEntry{
		name: f.Name, mode: f.Mode(), modTime: f.Modified,
		hasPerm: (creator == creatorUnix || creator == creatorMacOS) && f.Mode().Perm() != 0,
	}
	if raw.mode.IsDir() && f.UncompressedSize64 != 0 {
		return at(printable(f.Name), errors.New("directory with content"))
	}
	return c.add(raw, func() (io.ReadCloser, error) { return openZipped(f) })
}

// openZipped gives the content with a check that archive/zip skips for a
// checksum of zero.
func openZipped(f *zip.File) (io.ReadCloser, error) {
	r, err := f.Open()
	if err != nil {
		return nil, errors.New("damaged entry header")
	}
	return &sumReader{ReadCloser: r, want: f.CRC32}, nil
}

type sumReader struct {
	io.ReadCloser
	sum, want uint32
}

// Read implements io.Reader; at the end it compares the checksum.
func (s *sumReader) Read(p []byte) (int, error) {
	n, err := s.ReadCloser.Read(p)
	s.sum = crc32.Update(s.sum, crc32.IEEETable, p[:n])
	if errors.Is(err, zip.ErrChecksum) || (err == io.EOF && s.sum != s.want) {
		return n, errors.New("checksum error: the entry is damaged")
	}
	return n, err
}
