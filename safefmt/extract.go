package safefmt

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
)

// ExtractTo writes the package to dir, which must not exist; its parent must.
// The tree is written and synced beside dir and then renamed, so that dir
// appears complete or not at all, and after a power cut too.
func (p *Package) ExtractTo(ctx context.Context, dir string) error {
	return in(p.name, p.place(ctx, dir, func(tmp string) error {
		err := unix.Renameat2(unix.AT_FDCWD, tmp, unix.AT_FDCWD, dir, unix.RENAME_NOREPLACE)
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("%s exists already", dir)
		}
		return err
	}))
}

// Replace is ExtractTo for a dir that exists: both trees change places in one
// step, then the old one is removed.
func (p *Package) Replace(ctx context.Context, dir string) error {
	return in(p.name, p.place(ctx, dir, func(tmp string) error {
		return unix.Renameat2(unix.AT_FDCWD, tmp, unix.AT_FDCWD, dir, unix.RENAME_EXCHANGE)
	}))
}

// place writes the tree to a temporary directory, calls move, and removes
// whatever stands under the temporary name afterwards.
func (p *Package) place(ctx context.Context, dir string, move func(tmp string) error) (err error) {
	dir = filepath.Clean(dir)
	parent := filepath.Dir(dir)
	tmp, err := os.MkdirTemp(parent, "."+filepath.Base(dir)+".new-*")
	if err != nil {
		return fmt.Errorf("extract to %s: %w", dir, cause(err))
	}
	defer func() {
		if rerr := os.RemoveAll(tmp); err == nil && rerr != nil {
			err = fmt.Errorf("remove %s: %w", tmp, cause(rerr))
		}
	}()
	if err := p.write(ctx, tmp); err != nil {
		return fmt.Errorf("extract to %s: %w", dir, err)
	}
	if err := move(tmp); err != nil {
		return fmt.Errorf("extract to %s: %w", dir, err)
	}
	return syncDir(parent)
}

// write fills the empty directory top and syncs it.
func (p *Package) write(ctx context.Context, top string) error {
	root, err := os.OpenRoot(top)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, f := range p.files {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		if err := writeEntry(root, f); err != nil {
			return at(f.Name, cause(err))
		}
	}
	for _, f := range slices.Backward(p.files) {
		if f.Dir {
			if err := finishDir(root, f); err != nil {
				return at(f.Name, cause(err))
			}
		}
	}
	if err := os.Chmod(top, 0o755); err != nil {
		return err
	}
	return syncDir(top)
}

func writeEntry(root *os.Root, f *file) error {
	if f.Dir {
		return root.Mkdir(f.Name, 0o700)
	}
	w, err := root.OpenFile(f.Name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = w.Write(f.data)
	if err == nil {
		err = w.Chmod(f.Mode)
	}
	if err == nil && !f.ModTime.IsZero() {
		err = root.Chtimes(f.Name, f.ModTime, f.ModTime)
	}
	if err == nil {
		err = w.Sync()
	}
	return errors.Join(err, w.Close())
}

// finishDir sets a directory's mode once it is full, and syncs it.
func finishDir(root *os.Root, f *file) error {
	d, err := root.Open(f.Name)
	if err != nil {
		return err
	}
	return errors.Join(d.Chmod(f.Mode), d.Sync(), d.Close())
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
