package cli

import (
	"github.com/spf13/cobra"

	"github.com/safehold/safehold/runtime/control"
	"github.com/safehold/safehold/runtime/ha"
)

// action builds a command that asks the module for one verb.
func (a *App) action(cmd *cobra.Command, verb ha.Verb) *cobra.Command {
	cmd.Args = noArgs
	cmd.RunE = a.audited(func(cmd *cobra.Command, _ []string) error {
		return a.act(cmd, control.Command{Verb: verb})
	})
	return a.moduleFlag(cmd)
}

// act sends the command; it returns when the module has accepted it.
func (a *App) act(cmd *cobra.Command, c control.Command) error {
	m, err := a.module(cmd)
	if err != nil {
		return err
	}
	c.Who, c.FromScript = a.who(), a.fromScript(m)
	c.Identity = identity(cmd)
	return a.ask(cmd.Context(), m, control.PathCommand, c, nil)
}

// identityFlag gives the command its -i.
func identityFlag(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().StringP("identity", "i", "", "`name` of the checker, handler or script: an automatic action, limited by maxloop")
	return cmd
}

// identity is the -i given, "" when there is none.
func identity(cmd *cobra.Command) string {
	if f := cmd.Flags().Lookup("identity"); f != nil {
		return f.Value.String()
	}
	return ""
}
