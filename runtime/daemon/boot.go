package daemon

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/safehold/safehold/runtime/control"
	"github.com/safehold/safehold/runtime/ha"
	"github.com/safehold/safehold/runtime/module"
	"github.com/safehold/safehold/runtime/store"
	"github.com/safehold/safehold/safefmt/userconfig"
)

// booted is the host's boot id under which the daemon last started modules.
type booted struct {
	BootID string `json:"boot_id"`
}

// boot starts the modules that are to start with the host, once per boot.
func (d *Daemon) boot(ctx context.Context) error {
	raw, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		d.cfg.Log.WithError(err).Error("modules are not started at boot: the kernel tells no boot id")
		return nil
	}
	file := store.Open[booted](filepath.Join(d.cfg.Paths.Var, "boot.json"))
	last, err := file.Load()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		d.cfg.Log.WithError(err).Warn("taken for a new boot")
	}
	if last.BootID == string(raw) {
		return nil
	}
	if err := file.Save(booted{BootID: string(raw)}); err != nil {
		d.cfg.Log.WithError(err).Error("modules are not started at boot: the boot cannot be recorded")
		return nil
	}
	reg, err := d.store.Registry()
	if err != nil {
		d.cfg.Log.WithError(err).Error("modules are not started at boot")
		return nil
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, name := range reg.Names() {
		group.Go(func() error {
			if err := d.bootModule(ctx, name, reg.Modules[name]); err != nil && ctx.Err() == nil {
				d.cfg.Log.WithError(err).WithField("module", name).Error("module is not started at boot")
			}
			return nil
		})
	}
	return group.Wait()
}

func (d *Daemon) bootModule(ctx context.Context, name ha.ModuleName, rec module.Record) error {
	a, err := module.LoadActive(d.cfg.Paths, name)
	if errors.Is(err, module.ErrNotConfigured) {
		return nil
	}
	if err != nil {
		return err
	}
	if !startsAtBoot(a.Config.Service.Boot, rec.Boot, func() bool { return d.wasStarted(name) }) {
		return nil
	}
	select {
	case <-ctx.Done():
		return nil
	case <-time.After(a.Config.Service.BootDelay):
	}
	if err := d.supervisors.ensure(ctx, name); err != nil {
		return err
	}
	return control.Dial(d.cfg.Paths.SupervisorSocket(name)).Call(ctx, control.PathCommand,
		control.Command{Verb: ha.VerbStart, Who: "boot", Boot: true}, nil)
}

// startsAtBoot decides by service@boot and by the answer to `safekit boot`
// (userconfig-xml.md section 5).
func startsAtBoot(boot userconfig.Boot, command string, wasStarted func() bool) bool {
	switch module.BootSetting(boot, command) {
	case "on":
		return true
	case "auto":
		return wasStarted()
	default:
		return false
	}
}

// wasStarted tells whether the module ran when the host went down.
func (d *Daemon) wasStarted(name ha.ModuleName) bool {
	f, err := store.Open[struct {
		Started bool `json:"started"`
	}](filepath.Join(d.cfg.Paths.UserVar(name), "state.json")).Load()
	return err == nil && f.Started
}
