package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/safehold/safehold/runtime/control"
	"github.com/safehold/safehold/runtime/ha"
)

func (a *App) update() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "update -m AM",
		Short: "Resolve names again and run the script update",
		Long: `Resolve the addresses of a started module again, take over the result without a
stop, and run the module's script update. Allowed in ALONE, UP and WAIT NotReady.`,
		Example: `  safekit update -m AM`,
		Args:    noArgs,
	}
	cmd.RunE = a.audited(func(cmd *cobra.Command, _ []string) error {
		m, err := a.module(cmd)
		if err != nil {
			return err
		}
		v, err := a.view(cmd.Context(), m)
		if err != nil {
			return err
		}
		waits := ha.Role{State: ha.Wait, Status: ha.NotReady}
		if v.Local != waits && v.Local.State != ha.Alone && v.Local.State != ha.Up {
			return fmt.Errorf("module %s is %v: update is allowed in ALONE, UP and WAIT NotReady", m, v.Local)
		}
		c, err := a.cluster()
		if err != nil {
			return err
		}
		if c != nil { // a light module needs none
			if _, err := a.store().Refresh(m, c); err != nil {
				return err
			}
		}
		if err := a.ask(cmd.Context(), m, control.PathReload, control.None{}, nil); err != nil {
			return err
		}
		return a.moduleScript(cmd.Context(), m, "update")
	})
	return a.moduleFlag(cmd)
}
