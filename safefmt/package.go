package safefmt

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// Entry describes one file or directory of a package.
type Entry struct {
	Name    string      // slash-separated, relative, without trailing slash
	Dir     bool        // a directory
	Mode    fs.FileMode // permission bits it gets on disk
	Size    int64       // bytes; 0 for a directory
	ModTime time.Time   // zero when the archive has none
}

// Package is a verified package in memory.
type Package struct {
	name     string
	files    []*file // in packing order, every directory present
	warnings []string
	manifest Manifest
}

// Open reads and verifies the package in a file. The format is found by
// content: zip, or a tar archive, plain or compressed with gzip, bzip2, xz,
// zstd or lz4, or 7z if lim admits it. The error is an *Error.
func Open(path string, lim Limits) (*Package, error) {
	name := filepath.Base(path)
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, in(path, fmt.Errorf("open package: %w", cause(err)))
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, in(name, err)
	}
	if !st.Mode().IsRegular() {
		return nil, in(path, errors.New("not a regular file"))
	}
	return Read(name, f, st.Size(), lim)
}

// Read is Open for size bytes of r; name stands in error texts only.
func Read(name string, r io.ReaderAt, size int64, lim Limits) (*Package, error) {
	p, err := read(name, r, size, lim.withDefaults())
	if err != nil {
		return nil, in(name, err)
	}
	return p, nil
}

func read(name string, r io.ReaderAt, size int64, lim Limits) (*Package, error) {
	if size > lim.Archive {
		return nil, fmt.Errorf("%w: the archive has %d bytes, more than %d", ErrLimit, size, lim.Archive)
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(io.NewSectionReader(r, 0, size), data); err != nil {
		return nil, fmt.Errorf("read archive: %w", err)
	}
	c := newCollector(newBudget(lim, size))
	if err := readArchive(c, data); err != nil {
		return nil, err
	}
	if err := c.arrange(); err != nil {
		return nil, err
	}
	p := &Package{name: name, files: c.files, warnings: c.warnings}
	if err := p.judge(); err != nil {
		return nil, err
	}
	return p, nil
}

// Entries lists the package in packing order: conf, bin, web, the rest; every
// directory stands before its content. The slice is the caller's.
func (p *Package) Entries() []Entry {
	list := make([]Entry, len(p.files))
	for i, f := range p.files {
		list[i] = f.Entry
	}
	return list
}

// Warnings lists what was tolerated or repaired, one "entry: text" each.
func (p *Package) Warnings() []string { return slices.Clone(p.warnings) }

// Manifest is the description for old consoles; empty when there is none. It
// is for display only: its name is not the module's name (safe-package.md
// section 3).
func (p *Package) Manifest() Manifest { return p.manifest }

// File gives a copy of a file's content, as it would be extracted.
func (p *Package) File(name string) ([]byte, bool) {
	if f := p.find(name); f != nil && !f.Dir {
		return slices.Clone(f.data), true
	}
	return nil, false
}

func (p *Package) find(name string) *file {
	i := slices.IndexFunc(p.files, func(f *file) bool { return f.Name == name })
	if i < 0 {
		return nil
	}
	return p.files[i]
}
