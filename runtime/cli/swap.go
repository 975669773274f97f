package cli

import (
	"github.com/spf13/cobra"

	"github.com/safehold/safehold/runtime/control"
	"github.com/safehold/safehold/runtime/ha"
)

func (a *App) swap() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "swap [nosync] -m AM [-i NAME]",
		Short: "Exchange the roles of the two nodes",
		Long: `Exchange primary and secondary of a mirror module in PRIM and SECOND: the
application stops here and starts there, with all its data. Either node may be
asked. With nosync the replicated data are not compared afterwards.`,
		Example: `  safekit swap -m AM
  safekit swap -m AM && safekit waitstate -m AM SECOND`,
		Args:              oneOf("nosync"),
		ValidArgsFunction: words("nosync"),
	}
	cmd.RunE = a.audited(func(cmd *cobra.Command, args []string) error {
		return a.act(cmd, control.Command{Verb: ha.VerbSwap, NoSync: len(args) > 0})
	})
	return identityFlag(a.moduleFlag(cmd))
}
