package cli

import (
	"github.com/spf13/cobra"

	"github.com/safehold/safehold/runtime/ha"
)

func (a *App) start() *cobra.Command {
	return a.action(&cobra.Command{
		Use:   "start -m AM",
		Short: "Start a module",
		Long: `Start a stopped module. The command returns when the start is accepted; use
waitstart or waitstate to wait for its end. Which node becomes primary is decided
by the nodes themselves, by whose data are newer.`,
		Example: `  safekit start -m AM
  safekit start -m AM && safekit waitstart -m AM`,
	}, ha.VerbStart)
}
