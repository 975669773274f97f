package cli

import (
	"github.com/spf13/cobra"

	"github.com/safehold/safehold/runtime/ha"
)

func (a *App) stop() *cobra.Command {
	return identityFlag(a.action(&cobra.Command{
		Use:   "stop -m AM [-i NAME]",
		Short: "Stop a module",
		Long: `Stop a module; when it is primary the other node takes over. The command
returns when the stop is accepted, so a script may stop its own module: it
should end right afterwards. On a stopped module the command fails.`,
		Example: `  safekit stop -m AM
  safekit stop -i start_prim     # inside the script start_prim of the module`,
	}, ha.VerbStop))
}

func (a *App) forcestop() *cobra.Command {
	return a.action(&cobra.Command{
		Use:   "forcestop -m AM",
		Short: "Stop a module that does not stop",
		Long: `Stop a module although a script hangs: the running script is killed and the
stop scripts run in their forced form.`,
		Example: `  safekit forcestop -m AM`,
	}, ha.VerbForceStop)
}
