package cli

import (
	"context"
	"errors"
	"time"

	"github.com/safehold/safehold/runtime/control"
	"github.com/safehold/safehold/runtime/ha"
)

// leavePatience bounds the wait for a supervisor that was asked to end.
const leavePatience = 10 * time.Second

var errStillThere = errors.New("the module's supervisor does not end: try again")

// changed tells the daemon that modules came, went or were configured.
func (a *App) changed(ctx context.Context) error {
	return a.askDaemon(ctx, control.PathChanged, control.None{}, nil)
}

// withoutSupervisor ends the module's supervisor, which refuses unless the
// module is stopped, does the change, and ends a supervisor that the daemon
// started again meanwhile.
func (a *App) withoutSupervisor(ctx context.Context, m ha.ModuleName, change func() error) error {
	if err := a.leave(ctx, m); err != nil {
		return err
	}
	if err := change(); err != nil {
		return err
	}
	if err := a.changed(ctx); err != nil {
		return err
	}
	return a.leave(ctx, m)
}

// leave ends the module's supervisor and returns when it is gone.
func (a *App) leave(ctx context.Context, m ha.ModuleName) error {
	deadline := time.Now().Add(leavePatience)
	for time.Now().Before(deadline) {
		err := a.askRunning(ctx, m, control.PathLeave, control.None{}, nil)
		switch {
		case errors.Is(err, control.ErrDown):
			return nil
		case err != nil && !died(err):
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
	return errStillThere
}
