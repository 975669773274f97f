package safefmt

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
	"github.com/mholt/archives"
)

// maxWindow is the largest history a decompressor may keep, in bytes.
const maxWindow = 64 << 20

// readArchive finds the format by content and gathers the entries. The order
// is fixed, and formats that are only guessed at (brotli, zlib) or that take
// unbounded memory (rar, lzip) are left out.
func readArchive(c *collector, data []byte) error {
	if bytes.HasPrefix(data, []byte("PK")) {
		return readZip(c, data)
	}
	if matches(archives.SevenZip{}, bytes.NewReader(data)) {
		if !c.budget.lim.SevenZip {
			return errors.New("7z archives are not accepted here; extract it with 'safepack extract', then use 'safepack pack'")
		}
		return readForeign(c, archives.SevenZip{}, bytes.NewReader(data), false)
	}
	if matches(archives.Tar{}, bytes.NewReader(data)) {
		return readTar(c, bytes.NewReader(data))
	}
	for _, z := range compressions() {
		if matches(z, bytes.NewReader(data)) {
			return readCompressed(c, z, data)
		}
	}
	if matches(archives.Rar{}, bytes.NewReader(data)) {
		return errors.New("rar archives are not accepted; pack the module as zip")
	}
	return errors.New("not a package: neither zip nor tar archive; the file may be damaged or cut short")
}

// matcher is the part of archives.Format that looks at content.
type matcher interface {
	Match(ctx context.Context, filename string, stream io.Reader) (archives.MatchResult, error)
}

func matches(m matcher, r io.Reader) bool {
	res, err := m.Match(context.Background(), "", r)
	return err == nil && res.ByStream
}

type compression interface {
	matcher
	archives.Decompressor
}

func compressions() []compression {
	return []compression{
		archives.Gz{}, archives.Bz2{}, archives.Xz{}, archives.Lz4{},
		archives.Zstd{DecoderOptions: []zstd.DOption{
			zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow),
		}},
	}
}

func readCompressed(c *collector, z compression, data []byte) (err error) {
	defer surviveDecoder(&err)
	r, err := z.OpenReader(bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("decompress archive: %w", err)
	}
	defer r.Close()
	return readTar(c, r)
}

var errCut = errors.New("archive is cut short")

// readError is the error of a decoder in our words.
func readError(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return errCut
	}
	return fmt.Errorf("read archive: %w", err)
}

// readForeign gathers the entries of an archive read by the archives library.
func readForeign(c *collector, x archives.Extractor, r io.Reader, hasPerm bool) (err error) {
	defer surviveDecoder(&err)
	var own error // what we refused, without the library's wrapping
	err = x.Extract(context.Background(), r, func(_ context.Context, f archives.FileInfo) error {
		own = c.add(foreignEntry(f, hasPerm), func() (io.ReadCloser, error) { return f.Open() })
		return own
	})
	switch {
	case own != nil:
		return own
	case err != nil:
		return readError(err)
	}
	return nil
}

func foreignEntry(f archives.FileInfo, hasPerm bool) rawEntry {
	raw := rawEntry{
		name: f.NameInArchive, mode: f.Mode(), hasPerm: hasPerm,
		link: f.LinkTarget != "", modTime: f.ModTime(),
	}
	if h, ok := f.Header.(*tar.Header); ok {
		raw.link = raw.link || h.Typeflag == tar.TypeLink
	}
	return raw
}

// surviveDecoder turns a panic of a foreign decoder into an error: bad input
// must not stop a daemon.
func surviveDecoder(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("read archive: damaged: %v", p)
	}
}
