package module

import (
	"context"
	"fmt"
	"os"

	"github.com/safehold/safehold/runtime/ha"
)

// Deconfig removes the configuration in force and the working files of the
// module; the edited configuration and the data stay. The module's deconfig
// script runs first.
func (s *Store) Deconfig(ctx context.Context, name ha.ModuleName, out Output) error {
	return s.locked(func() error {
		reg, err := s.load()
		if err != nil {
			return err
		}
		rec, ok := reg.Modules[name]
		if !ok {
			return fmt.Errorf("module %s is not installed: see safekit module list", name)
		}
		if err := s.mustStop(name); err != nil {
			return err
		}
		if _, err := os.Stat(s.paths.Active(name)); os.IsNotExist(err) {
			return fmt.Errorf("module %s: %w", name, ErrNotConfigured)
		}
		if err := s.configScript(ctx, name, "deconfig", s.paths.UserBin(name), s.paths.UserConf(name), out); err != nil {
			return err
		}
		if err := os.RemoveAll(s.paths.Active(name)); err != nil {
			return fmt.Errorf("deconfigure %s: %w", name, err)
		}
		rec.Mode = ""
		reg.Modules[name] = rec
		return s.save(reg)
	})
}
