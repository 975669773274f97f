package safefmt

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"context"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"time"
)

// storeRatio is the ratio above which content is stored, not deflated, so
// that a packed tree never looks like a bomb to Open.
const storeRatio = 100

// dirTime is the time of every directory entry: a directory's own time
// changes whenever a file in it is replaced, and says nothing.
func dirTime() time.Time { return time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC) }

// Pack writes the module in dir to w as a zip archive by the rules of
// safe-package.md section 10: no leading directory; conf, bin, web, the rest;
// sorted; bin/ executable; times of the files. The same tree always gives the
// same bytes. It refuses what Open would refuse about names, kinds and size,
// and a tree without conf/userconfig.xml, but does not judge its content: a
// backup of a broken module must be possible.
func Pack(ctx context.Context, dir string, w io.Writer) error { return PackParts(ctx, dir, w) }

// PackParts is Pack for a source directory: of the entries directly in dir,
// only those named in parts are packed, and a missing one is no error. With no
// parts it packs everything.
func PackParts(ctx context.Context, dir string, w io.Writer, parts ...string) error {
	files, err := readTree(ctx, dir, parts)
	if err == nil && !slices.ContainsFunc(files, func(f *file) bool { return f.Name == configName && !f.Dir }) {
		err = ErrNoConfig
	}
	if err != nil {
		return in(dir, err)
	}
	return in(dir, writeZip(w, files))
}

func writeZip(w io.Writer, files []*file) error {
	z := zip.NewWriter(w)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, flate.BestCompression)
	})
	for _, f := range files {
		if err := packFile(z, f); err != nil {
			return at(f.Name, err)
		}
	}
	return z.Close()
}

func packFile(z *zip.Writer, f *file) error {
	h := &zip.FileHeader{Name: f.Name, Modified: packTime(f.Entry)}
	if f.Dir {
		h.Name += "/"
		h.SetMode(f.Mode | fs.ModeDir)
		_, err := z.CreateHeader(h)
		return err
	}
	method, err := methodFor(f.data)
	if err != nil {
		return err
	}
	h.Method = method
	h.SetMode(f.Mode)
	out, err := z.CreateHeader(h)
	if err != nil {
		return err
	}
	_, err = out.Write(f.data)
	return err
}

// packTime is the entry's time in whole seconds within what a zip can hold.
func packTime(e Entry) time.Time {
	first, last := dirTime(), time.Date(2105, 1, 1, 0, 0, 0, 0, time.UTC)
	t := e.ModTime.UTC().Truncate(time.Second)
	switch {
	case e.Dir, t.Before(first):
		return first
	case t.After(last):
		return last
	}
	return t
}

// methodFor chooses deflate unless it gains nothing or far too much.
func methodFor(data []byte) (uint16, error) {
	var out bytes.Buffer
	w, err := flate.NewWriter(&out, flate.BestCompression)
	if err != nil {
		return 0, fmt.Errorf("deflate: %w", err)
	}
	if _, err := w.Write(data); err != nil {
		return 0, fmt.Errorf("deflate: %w", err)
	}
	if err := w.Close(); err != nil {
		return 0, fmt.Errorf("deflate: %w", err)
	}
	if out.Len() >= len(data) || len(data) > storeRatio*out.Len() {
		return zip.Store, nil
	}
	return zip.Deflate, nil
}
