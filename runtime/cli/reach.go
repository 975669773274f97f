package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/safehold/safehold/runtime/control"
	"github.com/safehold/safehold/runtime/ha"
)

// errNoDaemon is the text known from the reference (log-messages.md section 11).
var errNoDaemon = errors.New("safeadmin administrator daemon not running")

// dots is how many times a command looks for the daemon.
const dots = 10

func (a *App) daemon() *control.Client { return control.Dial(a.Paths.DaemonSocket()) }

// needDaemon waits a little for the daemon and fails when it does not come.
func (a *App) needDaemon(ctx context.Context) error {
	ping := func() error { return a.daemon().Call(ctx, control.PathPing, control.None{}, nil) }
	err := ping()
	if !errors.Is(err, control.ErrDown) {
		return err
	}
	pause := 300 * time.Millisecond
	if terminal(a.Err) {
		pause = time.Second
	}
	fmt.Fprint(a.Err, "Waiting for safeadmin ")
	defer fmt.Fprintln(a.Err)
	for range dots {
		fmt.Fprint(a.Err, ".")
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
		if err := ping(); !errors.Is(err, control.ErrDown) {
			return err
		}
	}
	return errNoDaemon
}

func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// askDaemon makes a call to the daemon.
func (a *App) askDaemon(ctx context.Context, path string, in, out any) error {
	if err := a.needDaemon(ctx); err != nil {
		return err
	}
	return a.daemon().Call(ctx, path, in, out)
}

// ask makes a call to the module's supervisor, which the daemon starts when it
// is not there.
func (a *App) ask(ctx context.Context, m ha.ModuleName, path string, in, out any) error {
	err := a.askRunning(ctx, m, path, in, out)
	if !errors.Is(err, control.ErrDown) {
		return err
	}
	if err := a.askDaemon(ctx, control.PathEnsure, control.Ensure{Module: m}, nil); err != nil {
		return err
	}
	return a.askRunning(ctx, m, path, in, out)
}

// askRunning makes a call to the module's supervisor; control.ErrDown when it
// does not run.
func (a *App) askRunning(ctx context.Context, m ha.ModuleName, path string, in, out any) error {
	return control.Dial(a.Paths.SupervisorSocket(m)).Call(ctx, path, in, out)
}

func (a *App) view(ctx context.Context, m ha.ModuleName) (control.View, error) {
	var v control.View
	err := a.ask(ctx, m, control.PathView, control.None{}, &v)
	return v, err
}

// refuseInScript refuses what would wait for the script that calls it.
func (a *App) refuseInScript(ctx context.Context, m ha.ModuleName, verb string) error {
	if !a.fromScript(m) {
		return nil
	}
	var v control.View
	if err := a.askRunning(ctx, m, control.PathView, control.None{}, &v); err != nil {
		return nil // no supervisor, no script
	}
	if v.Script != "" {
		return fmt.Errorf("%s would wait for the script %s of module %s that calls it: leave it out of the script", verb, v.Script, m)
	}
	return nil
}
