package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/safehold/safehold/runtime/modlog"
)

func (a *App) logview() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "logview -m AM [-s N] [-A]",
		Short: "Follow the log of a module",
		Long: `Show the last messages of the module's log and every new one as it comes, until
interrupted. Only for modules of this node.`,
		Example: `  safekit logview -m AM
  safekit logview -m AM -A -s 20`,
		Args: noArgs,
	}
	n := cmd.Flags().IntP("size", "s", logLines, "`number` of messages to begin with")
	view := a.logFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		path, err := a.logPath(cmd)
		if err != nil {
			return err
		}
		return modlog.Follow(cmd.Context(), path, *n, view.all || view.info, func(l modlog.Line) error {
			if !view.shows(l.Level) {
				return nil
			}
			_, err := fmt.Fprintln(a.Out, l)
			return err
		})
	}
	return a.moduleFlag(cmd)
}
