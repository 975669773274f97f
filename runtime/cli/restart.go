package cli

import (
	"github.com/spf13/cobra"

	"github.com/safehold/safehold/runtime/ha"
)

func (a *App) restart() *cobra.Command {
	return identityFlag(a.action(&cobra.Command{
		Use:   "restart -m AM [-i NAME]",
		Short: "Restart the application of a module where it runs",
		Long: `Run the stop and start scripts of a module in ALONE, PRIM or UP; the node keeps
its role. With -i the restart counts as automatic: after maxloop of them within
loop_interval the module is stopped instead.`,
		Example: `  safekit restart -m AM
  safekit restart -m AM -i my_checker`,
	}, ha.VerbRestart))
}

func (a *App) stopstart() *cobra.Command {
	return identityFlag(a.action(&cobra.Command{
		Use:   "stopstart -m AM [-i NAME]",
		Short: "Stop a module and start it again",
		Long: `Stop a module completely and start it again; when it was primary, the other node
takes over. Checkers whose action is wait keep running meanwhile.`,
		Example: `  safekit stopstart -m AM
  safekit stopstart -m AM -i my_checker`,
	}, ha.VerbStopStart))
}
