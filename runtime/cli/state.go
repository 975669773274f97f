package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/safehold/safehold/runtime/control"
	"github.com/safehold/safehold/runtime/explain"
	"github.com/safehold/safehold/runtime/ha"
)

func (a *App) state() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "state [-m AM] [-v|-lq]",
		Short: "Show the state of modules",
		Long: `Show the state of a module on this node and on the other one, or of every
configured module. -v adds the resources and the output of the module's script
state. -lq prints the state alone and exits with its code: STOP 0, WAIT 1, ALONE
and UP 2, PRIM 3, SECOND 4.`,
		Example: `  safekit state
  safekit state -v -m AM
  safekit state -lq -m AM; echo $?`,
		Args: noArgs,
	}
	verbose := cmd.Flags().BoolP("verbose", "v", false, "add the resources")
	quiet := cmd.Flags().Bool("lq", false, "print the state alone and exit with its code (-lq)")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		_, given := a.moduleGiven(cmd)
		switch {
		case *quiet:
			return a.stateCode(cmd)
		case given:
			m, err := a.module(cmd)
			if err != nil {
				return err
			}
			return a.showState(cmd.Context(), m, *verbose)
		default:
			return a.showStates(cmd.Context(), *verbose)
		}
	}
	return a.moduleFlag(cmd)
}

// stateCode answers with the exit code.
func (a *App) stateCode(cmd *cobra.Command) error {
	m, err := a.module(cmd)
	if err != nil {
		return err
	}
	v, err := a.view(cmd.Context(), m)
	if err != nil {
		return err
	}
	fmt.Fprintln(a.Out, v.Local.State)
	if code := v.Local.State.Code(); code != 0 {
		return exitError(code)
	}
	return nil
}

// showStates shows every configured module; one that does not answer does not
// hide the others.
func (a *App) showStates(ctx context.Context, verbose bool) error {
	if err := a.needDaemon(ctx); err != nil {
		return err
	}
	reg, err := a.store().Registry()
	if err != nil {
		return err
	}
	var failed []error
	for _, m := range reg.Names() {
		if reg.Modules[m].Mode == "" {
			continue
		}
		if err := a.showState(ctx, m, verbose); err != nil {
			failed = append(failed, fmt.Errorf("module %s: %w", m, err))
		}
	}
	return errors.Join(failed...)
}

func (a *App) showState(ctx context.Context, m ha.ModuleName, verbose bool) error {
	v, err := a.view(ctx, m)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.Out, "--------------------- %s State ---------------------\n\n", m)
	a.showRole("Local ", "127.0.0.1", v.Local)
	if v.Mode == ha.Mirror {
		a.showRole("Remote", v.PeerAddr, v.Remote)
	}
	switch {
	case !v.Syncing:
	case v.Sync == nil || v.Sync.Total == 0:
		fmt.Fprintln(a.Out, "  Sync: finding out what differs")
	default:
		fmt.Fprintf(a.Out, "  Sync: %s\n", explain.Progress(*v.Sync))
	}
	if v.Local.State == ha.Wait && v.Waiting != "" {
		fmt.Fprintf(a.Out, "  Waiting: %s\n", v.Waiting)
	}
	fmt.Fprintln(a.Out)
	if !verbose {
		return nil
	}
	if err := a.showResources(v); err != nil {
		return err
	}
	return a.moduleScript(ctx, m, "state")
}

func (a *App) showRole(which, addr string, r ha.Role) {
	fmt.Fprintf(a.Out, "  %s (%s)    : %v (%v)\n", which, addr, r.State, r.Status)
}

func (a *App) showResources(v control.View) error {
	t := newTable(a.Out)
	for _, r := range v.LocalResources {
		t.row(r.Name, r.Value, r.Changed.Local().Format(time.DateTime))
	}
	err := t.flush()
	fmt.Fprintln(a.Out)
	return err
}
