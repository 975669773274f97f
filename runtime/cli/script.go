package cli

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/safehold/safehold/runtime/ha"
	"github.com/safehold/safehold/runtime/module"
	"github.com/safehold/safehold/runtime/proc"
	"github.com/safehold/safehold/runtime/script"
)

// moduleScript runs a script of the module that belongs to a command (state,
// level, update) and shows what it prints. A module without it is fine.
func (a *App) moduleScript(ctx context.Context, m ha.ModuleName, name string) error {
	active, err := module.LoadActive(a.Paths, m)
	if errors.Is(err, module.ErrNotConfigured) {
		return nil
	}
	if err != nil {
		return err
	}
	path := filepath.Join(a.Paths.UserBin(m), name)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	var vars script.Config
	if active.Config.User != nil {
		for _, v := range active.Config.User.Vars {
			vars.Vars = append(vars.Vars, v.Name+"="+v.Value)
		}
	}
	env := script.New(a.Paths, m, vars, os.Environ(), time.Now).Env()
	exit, err := proc.Run(ctx, proc.Spec{
		Path: path, Env: env, Dir: a.Paths.UserVar(m), Output: a.Out, Deadline: script.OtherLimit,
	})
	if err != nil {
		return err
	}
	if !exit.OK() {
		return errors.New("script " + name + " of module " + string(m) + ": " + exit.String())
	}
	return nil
}
