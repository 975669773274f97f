package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/safehold/safehold/runtime/control"
)

func (a *App) set() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "set -m AM -r RESOURCE -v VALUE [-n] [-l] [-i NAME]",
		Short: "Assign a resource",
		Long: `Assign a resource of this node; failover rules act on it. A change is logged;
-n keeps it out of the log, -l logs it also when the value stays. The runtime's
own resources cannot be set.`,
		Example: `  safekit set -m AM -r custom.disk -v down -i disk_checker
  safekit set -r "$2" -v up -i "$0"    # in a checker of the module`,
		Args: noArgs,
	}
	resource := a.resourceFlag(cmd)
	value := cmd.Flags().StringP("value", "v", "", "the `value`: up, down, init or another word")
	noLog := cmd.Flags().BoolP("nolog", "n", false, "do not log")
	forceLog := cmd.Flags().BoolP("log", "l", false, "log even an unchanged value")
	complete(cmd, "value", words("up", "down", "init"))
	set := func(cmd *cobra.Command, _ []string) error {
		m, err := a.module(cmd)
		switch {
		case err != nil:
			return err
		case *resource == "":
			return errNoResource
		case *value == "":
			return errors.New("which value? give it with -v VALUE")
		}
		return a.ask(cmd.Context(), m, control.PathSet, control.Set{
			Resource: *resource, Value: *value, Identity: identity(cmd), NoLog: *noLog, ForceLog: *forceLog,
		}, nil)
	}
	audited := a.audited(set)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if a.Getenv("SAFEMODULE") != "" { // a checker sets its resource all the time
			return set(cmd, args)
		}
		return audited(cmd, args)
	}
	return identityFlag(a.moduleFlag(cmd))
}
