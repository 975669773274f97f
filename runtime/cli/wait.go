package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/safehold/safehold/runtime/control"
	"github.com/safehold/safehold/runtime/ha"
)

func (a *App) waitstart() *cobra.Command {
	return a.waiting(&cobra.Command{
		Use:   "waitstart -m AM",
		Short: "Wait for the end of a start",
		Long: `Wait until the module is Ready, or in WAIT NotReady. It fails when the start ends
in STOP.`,
		Example: `  safekit start -m AM && safekit waitstart -m AM`,
		Args:    noArgs,
	}, control.AwaitStart)
}

func (a *App) waitstop() *cobra.Command {
	return a.waiting(&cobra.Command{
		Use:     "waitstop -m AM",
		Short:   "Wait until a module is stopped",
		Long:    `Wait until the module is in STOP.`,
		Example: `  safekit stop -m AM && safekit waitstop -m AM`,
		Args:    noArgs,
	}, control.AwaitStop)
}

// awaited are the states waitstate takes.
var awaited = []string{"STOP", "WAIT", "ALONE", "UP", "PRIM", "SECOND"}

func (a *App) waitstate() *cobra.Command {
	return a.waiting(&cobra.Command{
		Use:   "waitstate -m AM STATE",
		Short: "Wait until a module is in a state",
		Long: `Wait, for as long as it takes, until the module is in the stable form of the
state: STOP, WAIT, ALONE, UP, PRIM or SECOND.`,
		Example: `  safekit waitstate -m AM PRIM
  timeout 60 safekit waitstate -m AM ALONE`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fmt.Errorf("which state? want one of %s", strings.Join(awaited, ", "))
			}
			return oneOf(awaited...)(cmd, args)
		},
		ValidArgsFunction: words(awaited...),
	}, control.AwaitState)
}

func (a *App) waiting(cmd *cobra.Command, what control.AwaitWhat) *cobra.Command {
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		m, err := a.module(cmd)
		if err != nil {
			return err
		}
		if err := a.refuseInScript(cmd.Context(), m, cmd.Name()); err != nil {
			return err
		}
		want := control.Await{What: what}
		if what == control.AwaitState {
			if want.State, err = ha.ParseState(args[0]); err != nil {
				return err
			}
		}
		return a.await(cmd.Context(), m, want)
	}
	return a.moduleFlag(cmd)
}

// await waits across the death of a supervisor: the next one is asked again.
func (a *App) await(ctx context.Context, m ha.ModuleName, want control.Await) error {
	for {
		err := a.ask(ctx, m, control.PathAwait, want, nil)
		if !died(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// died tells that the other end of a call went away without an answer.
func died(err error) bool {
	for _, sign := range []error{control.ErrDown, io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE} {
		if errors.Is(err, sign) {
			return true
		}
	}
	return false
}
