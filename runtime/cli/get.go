package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/safehold/safehold/runtime/control"
)

func (a *App) get() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "get -m AM -r RESOURCE",
		Short: "Print the value of a resource",
		Long:  `Print the value of one resource of this node, such as state.local or tcp.web.`,
		Example: `  safekit get -m AM -r state.local
  safekit get -r custom.disk           # in a script of the module`,
		Args: noArgs,
	}
	resource := a.resourceFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		m, err := a.module(cmd)
		if err != nil {
			return err
		}
		if *resource == "" {
			return errNoResource
		}
		var v control.Value
		if err := a.ask(cmd.Context(), m, control.PathGet, control.Get{Resource: *resource}, &v); err != nil {
			return err
		}
		fmt.Fprintln(a.Out, v.Value)
		return nil
	}
	return a.moduleFlag(cmd)
}

var errNoResource = errors.New("which resource? give it with -r CLASS.ID (safekit state -v lists them)")

func (a *App) resourceFlag(cmd *cobra.Command) *string {
	resource := cmd.Flags().StringP("resource", "r", "", "`class.id` of the resource")
	complete(cmd, "resource", a.completeResources)
	return resource
}
