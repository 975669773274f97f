package safefmt

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
)

// readTree reads a module's directory as if it were an archive, with the
// default limits, so that what is packed can be opened again.
func readTree(ctx context.Context, dir string) ([]*file, error) {
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
		if err == nil && name != "." {
			err = addFromTree(c, root, name, d)
		}
		return at(name, cause(err))
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
