package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/safehold/safehold/runtime/modlog"
)

func (a *App) cmdlog() *cobra.Command {
	return &cobra.Command{
		Use:   "cmdlog",
		Short: "Show the commands that changed this node",
		Long: `Show the log of commands: for each one that changed the system a START line with
its words and user and an END line with its exit code, joined by a process id.`,
		Example: `  safekit cmdlog | tail`,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.needDaemon(cmd.Context()); err != nil {
				return err
			}
			lines, err := modlog.TailCommands(a.Paths.CommandLog(), 0)
			if err != nil {
				return err
			}
			for _, l := range lines {
				fmt.Fprintln(a.Out, l)
			}
			return nil
		},
	}
}
