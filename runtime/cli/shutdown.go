package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/safehold/safehold/runtime/control"
	"github.com/safehold/safehold/runtime/ha"
)

func (a *App) shutdown() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "shutdown",
		Short: "Stop all modules of this node and wait",
		Long: `Stop every running module of this node and wait until all of them are stopped;
secondaries elsewhere take over. The daemon goes on.`,
		Example: `  safekit shutdown`,
		Args:    noArgs,
	}
	cmd.RunE = a.audited(func(cmd *cobra.Command, _ []string) error {
		reg, err := a.store().Registry()
		if err != nil {
			return err
		}
		group, ctx := errgroup.WithContext(cmd.Context())
		for _, m := range reg.Names() {
			group.Go(func() error { return a.shutdownOne(ctx, m) })
		}
		return group.Wait()
	})
	return cmd
}

func (a *App) shutdownOne(ctx context.Context, m ha.ModuleName) error {
	var v control.View
	err := a.askRunning(ctx, m, control.PathView, control.None{}, &v)
	if errors.Is(err, control.ErrDown) || err == nil && v.Local.State == ha.Stop {
		return nil
	}
	if err == nil {
		err = a.askRunning(ctx, m, control.PathCommand, control.Command{Verb: ha.VerbShutdown, Who: a.who()}, nil)
	}
	if err == nil {
		err = a.askRunning(ctx, m, control.PathAwait, control.Await{What: control.AwaitStop}, nil)
	}
	if err != nil {
		return fmt.Errorf("module %s: %w", m, err)
	}
	return nil
}
