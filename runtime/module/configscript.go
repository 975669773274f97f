package module

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/safehold/safehold/runtime/ha"
	"github.com/safehold/safehold/runtime/proc"
)

// configScript runs config, postconfig, deconfig or confcheck of the module
// from bin, if there is one; its output goes to the caller as it comes and a
// non-zero exit is an error (scripts.md sections 1.2 and 5).
func (s *Store) configScript(ctx context.Context, name ha.ModuleName, script, bin, conf string, out Output) error {
	path := filepath.Join(bin, script)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	env := append(os.Environ(), s.paths.ModuleEnv(name)...)
	env = append(env, "SAFEUSERBIN="+bin, "SAFEUSERCONF="+conf)
	exit, err := proc.Run(ctx, proc.Spec{Path: path, Env: env, Dir: s.paths.UserVar(name), Output: out.Text})
	if err != nil {
		return fmt.Errorf("script %s of module %s: %w", script, name, err)
	}
	if !exit.OK() {
		return fmt.Errorf("script %s of module %s: %v: the configuration is not applied", script, name, exit)
	}
	return nil
}
