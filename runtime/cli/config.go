package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/safehold/safehold/runtime/control"
	"github.com/safehold/safehold/runtime/module"
)

func (a *App) config() *cobra.Command {
	return a.moduleFlag(&cobra.Command{
		Use:   "config -m AM",
		Short: "Apply the edited configuration of a module",
		Long: `Check SAFE/modules/AM and put it in force on this node: macros are expanded, the
module's scripts config and postconfig run, and the whole takes effect at once or
not at all. While the module runs only some attributes may change. Use
safekit -H "*" -E AM to configure all nodes.`,
		Example: `  safekit config -m AM`,
		Args:    noArgs,
		RunE: a.audited(func(cmd *cobra.Command, _ []string) error {
			m, err := a.moduleOnDisk(cmd)
			if err != nil {
				return err
			}
			ctx := cmd.Context()
			if err := a.refuseInScript(ctx, m, "config"); err != nil {
				return err
			}
			c, err := a.cluster()
			if err != nil {
				return err
			}
			if err := a.store().Configure(ctx, m, c, module.Output{Text: a.Out}); err != nil {
				return err
			}
			err = a.askRunning(ctx, m, control.PathReload, control.None{}, nil)
			if err != nil && !errors.Is(err, control.ErrDown) {
				return err
			}
			return a.changed(ctx)
		}),
	})
}

func (a *App) confcheck() *cobra.Command {
	return a.moduleFlag(&cobra.Command{
		Use:   "confcheck -m AM",
		Short: "Check the edited configuration of a module",
		Long: `Check SAFE/modules/AM without applying it: every mistake is told with its line.
The module's script confcheck runs too.`,
		Example: `  safekit confcheck -m AM`,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			m, err := a.moduleOnDisk(cmd)
			if err != nil {
				return err
			}
			c, err := a.cluster()
			if err != nil {
				return err
			}
			return a.store().Confcheck(cmd.Context(), m, c, module.Output{Text: a.Out})
		},
	})
}

func (a *App) deconfig() *cobra.Command {
	return a.moduleFlag(&cobra.Command{
		Use:   "deconfig -m AM",
		Short: "Remove the configuration in force of a module",
		Long: `Remove the configuration in force of a stopped module and run its script deconfig.
The edited configuration and the data stay.`,
		Example: `  safekit deconfig -m AM`,
		Args:    noArgs,
		RunE: a.audited(func(cmd *cobra.Command, _ []string) error {
			m, err := a.moduleOnDisk(cmd)
			if err != nil {
				return err
			}
			ctx := cmd.Context()
			return a.withoutSupervisor(ctx, m, func() error {
				return a.store().Deconfig(ctx, m, module.Output{Text: a.Out})
			})
		}),
	})
}
