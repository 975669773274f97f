package module

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/safehold/safehold/runtime/ha"
)

// keptConfigs is how many applied configurations lastconfig keeps of a module.
const keptConfigs = 3

// copyDir copies regular files and folders; anything else has no place in a
// module. A missing source is an empty one.
func copyDir(from, to string) error {
	if err := os.MkdirAll(to, 0o750); err != nil {
		return err
	}
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		switch {
		case d.IsDir():
			return os.MkdirAll(target, 0o750)
		case d.Type().IsRegular():
			return copyFile(path, target)
		default:
			return fmt.Errorf("%s is neither a file nor a folder", path)
		}
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, info.Mode().Perm())
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}

// archive keeps the configuration that was just applied as a package.
func (s *Store) archive(ctx context.Context, name ha.ModuleName) error {
	stamp := s.now().Format("2006_01_02_15_04_05")
	if err := s.pack(ctx, s.paths.Edited(name), filepath.Join(s.paths.LastConfig(), fmt.Sprintf("%s_%s.safe", name, stamp))); err != nil {
		return err
	}
	all, err := filepath.Glob(filepath.Join(s.paths.LastConfig(), string(name)+"_????_??_??_??_??_??.safe"))
	if err != nil {
		return fmt.Errorf("tidy %s: %w", s.paths.LastConfig(), err)
	}
	slices.Sort(all)
	for len(all) > keptConfigs {
		if err := os.Remove(all[0]); err != nil {
			return fmt.Errorf("tidy %s: %w", s.paths.LastConfig(), err)
		}
		all = all[1:]
	}
	return nil
}
