package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/safehold/safehold/runtime/control"
)

func (a *App) rules() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rules -m AM [--try RESOURCE=STATE,…]",
		Short: "Show the failover rules, or what they would do",
		Long: `Show the failover rules in force for a module. With --try, tell what they would do
if resources had the states given; nothing is changed.`,
		Example: `  safekit rules -m AM
  safekit rules -m AM --try ping.router=down,custom.disk=up`,
		Args: noArgs,
	}
	try := cmd.Flags().StringSlice("try", nil, "`class.id=state` to suppose, separated by commas")
	complete(cmd, "try", a.completePairs)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		m, err := a.module(cmd)
		if err != nil {
			return err
		}
		var v control.RulesView
		if err := a.ask(cmd.Context(), m, control.PathRules, control.Rules{Try: *try}, &v); err != nil {
			return err
		}
		fmt.Fprint(a.Out, v.Text)
		return nil
	}
	return a.moduleFlag(cmd)
}
