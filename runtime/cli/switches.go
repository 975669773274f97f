package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/safehold/safehold/runtime/control"
)

func (a *App) checker() *cobra.Command {
	return a.maintenance(&cobra.Command{
		Use:   "checker off|on -m AM",
		Short: "Turn the checkers of a module off or on",
		Long: `Turn off the checkers of a module for maintenance, or on again. Works in any
state, also STOP; lasts until the next configuration.`,
		Example: `  safekit checker off -m AM
  safekit checker on -m AM`,
	})
}

func (a *App) failover() *cobra.Command {
	return a.maintenance(&cobra.Command{
		Use:   "failover off|on -m AM",
		Short: "Turn automatic failover of a module off or on",
		Long: `Turn off automatic failover for maintenance, or on again: when the primary stops,
the secondary then waits instead of taking over. Give it on both nodes.`,
		Example: `  safekit -H "*" failover off -m AM
  safekit -H "*" failover on -m AM`,
	})
}

// maintenance builds a switch with the words on and off.
func (a *App) maintenance(cmd *cobra.Command) *cobra.Command {
	cmd.Args, cmd.ValidArgsFunction = oneOf("off", "on"), words("off", "on")
	cmd.RunE = a.audited(func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return errors.New("on or off? see safekit " + cmd.Name() + " --help")
		}
		return a.turn(cmd, cmd.Name(), args[0] == "on")
	})
	return a.moduleFlag(cmd)
}

func (a *App) turn(cmd *cobra.Command, name string, on bool) error {
	m, err := a.module(cmd)
	if err != nil {
		return err
	}
	return a.ask(cmd.Context(), m, control.PathSetting, control.Setting{Name: name, On: on}, nil)
}

// errdWords are the words of errd with what they ask for.
var errdWords = []string{"off", "on", "suspend", "resume", "enable", "disable", "list"}

func (a *App) errd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "errd off|on|list -m AM; errd enable|disable CLASS -m AM",
		Short: "Control the monitoring of processes of a module",
		Long: `off (or suspend) and on (or resume) turn the monitoring of the application's
processes off for maintenance, and on again; that lasts until the next
configuration. enable and disable do it for one class of processes: a script
that starts or stops processes of a class of its own calls them. list shows the
monitored processes.`,
		Example: `  safekit errd off -m AM
  safekit errd enable myclass          # in a script of the module
  safekit errd list -m AM`,
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return errors.New("what? see safekit errd --help")
			case args[0] == "enable" || args[0] == "disable":
				if len(args) != 2 {
					return fmt.Errorf("errd %s wants one class", args[0])
				}
				return nil
			}
			return oneOf(errdWords...)(cmd, args)
		},
		ValidArgsFunction: words(errdWords...),
	}
	audited := a.audited(a.runErrd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if args[0] == "list" {
			return a.listErrd(cmd)
		}
		return audited(cmd, args)
	}
	return a.moduleFlag(cmd)
}

func (a *App) runErrd(cmd *cobra.Command, args []string) error {
	switch args[0] {
	case "off", "suspend":
		return a.turn(cmd, "errd", false)
	case "on", "resume":
		return a.turn(cmd, "errd", true)
	}
	m, err := a.module(cmd)
	if err != nil {
		return err
	}
	return a.ask(cmd.Context(), m, control.PathErrd, control.Errd{Op: args[0], Class: args[1]}, nil)
}

func (a *App) listErrd(cmd *cobra.Command) error {
	m, err := a.module(cmd)
	if err != nil {
		return err
	}
	var list control.ErrdList
	if err := a.ask(cmd.Context(), m, control.PathErrd, control.Errd{Op: "list"}, &list); err != nil {
		return err
	}
	for _, line := range list.Lines {
		fmt.Fprintln(a.Out, line)
	}
	return nil
}
