package safefmt

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
)

// readTree reads a module's directory as if it were an archive, with the
// default limits, so that what is packed can be opened again. Of the entries
// directly in dir only those in parts are read, all when parts is empty.
func readTree(ctx context.Context, dir string, parts []string) ([]*file, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	c := newCollector(newBudget(DefaultLimits(), 0))
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil {
			err = context.Cause(ctx)
		}
		if err != nil || name == "." {
			return at(name, cause(err))
		}
		if len(parts) > 0 && !strings.Contains(name, "/") && !slices.Contains(parts, name) {
			return skip(d)
		}
		return at(name, cause(addFromTree(c, root, name, d)))
	})
	if err != nil {
		return nil, err
	}
	if err := c.clashes(); err != nil {
		return nil, err
	}
	sortFiles(c.files)
	return c.files, nil
}

func skip(d fs.DirEntry) error {
	if d.IsDir() {
		return fs.SkipDir
	}
	return nil
}

func addFromTree(c *collector, root *os.Root, name string, d fs.DirEntry) error {
	if strings.Contains(name, `\`) {
		return errors.New("backslash in a file name")
	}
	info, err := d.Info()
	if err != nil {
		return err
	}
	raw := rawEntry{name: name, mode: info.Mode(), hasPerm: true, modTime: info.ModTime()}
	return c.add(raw, func() (io.ReadCloser, error) {
		return root.OpenFile(name, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	})
}
