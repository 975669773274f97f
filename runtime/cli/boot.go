package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/safehold/safehold/runtime/control"
	"github.com/safehold/safehold/runtime/ha"
	"github.com/safehold/safehold/runtime/module"
)

var bootWords = []string{"off", "on", "status", "webon", "weboff", "webstatus", "snmpon", "snmpoff", "snmpstatus"}

func (a *App) boot() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "boot off|on -m AM; boot status [-m AM]",
		Short: "Say whether a module starts with the system",
		Long: `on and off decide whether the module starts when the system does; service@boot in
its configuration may overrule it. status shows it, without -m for every
module. The words of the web service and of SNMP are accepted: the web service
belongs to the daemon, and there is no SNMP agent to start.`,
		Example: `  safekit boot on -m AM
  safekit boot status`,
		Args:              oneOf(bootWords...),
		ValidArgsFunction: words(bootWords[:3]...),
	}
	audited := a.audited(a.setBoot)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) == 0:
			return errors.New("on, off or status? see safekit boot --help")
		case args[0] == "on", args[0] == "off":
			return audited(cmd, args)
		case args[0] == "status":
			return a.bootStatus(cmd)
		case args[0][0] == 'w':
			fmt.Fprintln(a.Out, "The web service is part of the daemon and starts with it.")
		default:
			fmt.Fprintln(a.Out, "SNMP is served by the system's own agent: there is nothing to start here.")
		}
		return nil
	}
	return a.moduleFlag(cmd)
}

func (a *App) setBoot(cmd *cobra.Command, args []string) error {
	m, err := a.module(cmd)
	if err != nil {
		return err
	}
	if err := a.needDaemon(cmd.Context()); err != nil {
		return err
	}
	if err := a.store().SetBoot(m, args[0]); err != nil {
		return err
	}
	err = a.askRunning(cmd.Context(), m, control.PathSetting, control.Setting{Name: "boot", On: args[0] == "on"}, nil)
	if errors.Is(err, control.ErrDown) { // it reads the registry when it starts
		return nil
	}
	return err
}

func (a *App) bootStatus(cmd *cobra.Command) error {
	if err := a.needDaemon(cmd.Context()); err != nil {
		return err
	}
	reg, err := a.store().Registry()
	if err != nil {
		return err
	}
	names := reg.Names()
	if name, given := a.moduleGiven(cmd); given {
		if _, err := a.store().Record(ha.ModuleName(name)); err != nil {
			return err
		}
		names = []ha.ModuleName{ha.ModuleName(name)}
	}
	t := newTable(a.Out)
	for _, m := range names {
		t.row(string(m), a.bootOf(m, reg.Modules[m]))
	}
	return t.flush()
}

// bootOf is what happens with the module when the system starts.
func (a *App) bootOf(m ha.ModuleName, rec module.Record) string {
	active, err := module.LoadActive(a.Paths, m)
	if err != nil {
		return "off (not configured)"
	}
	return module.BootSetting(active.Config.Service.Boot, rec.Boot)
}
