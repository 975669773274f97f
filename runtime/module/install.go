package module

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/safehold/safehold/runtime/ha"
	"github.com/safehold/safehold/safefmt"
)

// InstallOptions say what to install.
type InstallOptions struct {
	Name    ha.ModuleName
	ID      int    // 0: the smallest free one
	Replace bool   // over an installed module
	File    string // as FindPackage takes it
}

// Install puts a package's files in place as the module's edited
// configuration and gives it an id. It returns what the package's author
// should know. Nothing changes when it fails.
func (s *Store) Install(ctx context.Context, o InstallOptions) ([]string, error) {
	file, err := s.FindPackage(o.Name, o.File)
	if err != nil {
		return nil, err
	}
	pkg, err := safefmt.Open(file, safefmt.DefaultLimits())
	if err != nil {
		return nil, err
	}
	return pkg.Warnings(), s.locked(func() error {
		reg, err := s.load()
		if err != nil {
			return err
		}
		old, installed := reg.Modules[o.Name]
		if installed && !o.Replace {
			return fmt.Errorf("module %s is already installed: use -r to install over it", o.Name)
		}
		if err := s.mustStop(o.Name); installed && err != nil {
			return err
		}
		want := o.ID
		if want == 0 {
			want = old.ID
		}
		rec := old
		if rec.ID, err = reg.admit(o.Name, want); err != nil {
			return err
		}
		rec.Installed = s.now()
		if err := s.place(ctx, pkg, s.paths.Edited(o.Name)); err != nil {
			return err
		}
		reg.Modules[o.Name] = rec
		return s.save(reg)
	})
}

func (s *Store) place(ctx context.Context, pkg *safefmt.Package, dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return fmt.Errorf("install: %w", err)
	}
	if _, err := os.Lstat(dir); errors.Is(err, os.ErrNotExist) {
		return pkg.ExtractTo(ctx, dir)
	}
	return pkg.Replace(ctx, dir)
}

// Package packs the module's edited configuration into file, an absolute path.
func (s *Store) Package(ctx context.Context, name ha.ModuleName, file string) error {
	if !filepath.IsAbs(file) {
		return fmt.Errorf("package file %q: want an absolute path", file)
	}
	if _, err := s.Record(name); err != nil {
		return err
	}
	return s.pack(ctx, s.paths.Edited(name), file)
}

// pack writes the package so that it appears whole or not at all.
func (s *Store) pack(ctx context.Context, dir, file string) (err error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return fmt.Errorf("package: %w", err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(file), ".pack-*")
	if err != nil {
		return fmt.Errorf("package: %w", err)
	}
	defer func() {
		if err != nil {
			os.Remove(tmp.Name())
		}
	}()
	err = errors.Join(safefmt.Pack(ctx, dir, tmp), tmp.Sync(), tmp.Close())
	if err != nil {
		return fmt.Errorf("package %s: %w", dir, err)
	}
	return os.Rename(tmp.Name(), file)
}

// Uninstall archives the module in the backup folder and removes it with its
// configuration. It returns the backup's path.
func (s *Store) Uninstall(ctx context.Context, name ha.ModuleName, out Output) (string, error) {
	if err := s.Deconfig(ctx, name, out); err != nil && !errors.Is(err, ErrNotConfigured) {
		return "", err
	}
	stamp := s.now().Format("2006_01_02_15_04_05")
	backup := filepath.Join(s.paths.Packages(), "backup", fmt.Sprintf("%s_%s.safe", name, stamp))
	return backup, s.locked(func() error {
		reg, err := s.load()
		if err != nil {
			return err
		}
		if err := s.pack(ctx, s.paths.Edited(name), backup); err != nil {
			return err
		}
		delete(reg.Modules, name)
		if err := s.save(reg); err != nil {
			return err
		}
		return errors.Join(os.RemoveAll(s.paths.Edited(name)), os.RemoveAll(s.paths.UserVar(name)))
	})
}
