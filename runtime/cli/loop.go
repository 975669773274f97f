package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/safehold/safehold/runtime/control"
)

func (a *App) incloop() *cobra.Command {
	return identityFlag(a.loop(&cobra.Command{
		Use:   "incloop -m AM -i NAME",
		Short: "Count an automatic action",
		Long: `Increment the counter of automatic actions. It exits with 1 when maxloop of them
within loop_interval are reached: then the caller should stop the module.`,
		Example: `  safekit incloop -i my_handler || safekit stop -i my_handler`,
	}, "inc"))
}

func (a *App) resetloop() *cobra.Command {
	return identityFlag(a.loop(&cobra.Command{
		Use:     "resetloop -m AM [-i NAME]",
		Short:   "Set the counter of automatic actions to 0",
		Long:    `Set the counter of automatic actions (maxloop) back to 0.`,
		Example: `  safekit resetloop -m AM`,
	}, "reset"))
}

func (a *App) checkloop() *cobra.Command {
	return a.loop(&cobra.Command{
		Use:   "checkloop -m AM",
		Short: "Tell whether the limit of automatic actions is reached",
		Long: `Exit with 1 when the counter of automatic actions has reached maxloop within
loop_interval, with 0 otherwise. Nothing is counted.`,
		Example: `  safekit checkloop -m AM; echo $?`,
	}, "check")
}

func (a *App) loop(cmd *cobra.Command, op string) *cobra.Command {
	cmd.Args = noArgs
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		m, err := a.module(cmd)
		if err != nil {
			return err
		}
		if op == "inc" && identity(cmd) == "" {
			return fmt.Errorf("who counts? give the name of the handler with -i NAME")
		}
		var s control.LoopState
		if err := a.ask(cmd.Context(), m, control.PathLoop, control.Loop{Op: op, Identity: identity(cmd)}, &s); err != nil {
			return err
		}
		if s.Reached {
			return exitError(1)
		}
		return nil
	}
	return a.moduleFlag(cmd)
}
