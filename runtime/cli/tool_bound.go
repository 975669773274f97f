package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/safehold/safehold/runtime/proc"
)

// boundExit is the exit code of boundcmd when the time is over.
const boundExit = 2

// boundCommand runs a command for at most some seconds.
func boundCommand(ctx context.Context, a *App, args []string) (int, error) {
	if len(args) < 2 {
		return 0, errors.New("want SECONDS COMMAND [ARGUMENT…]")
	}
	seconds, err := strconv.Atoi(args[0])
	if err != nil || seconds < 1 {
		return 0, fmt.Errorf("time %q: want whole seconds", args[0])
	}
	path, err := exec.LookPath(args[1])
	if err != nil {
		return 0, err
	}
	if path, err = filepath.Abs(path); err != nil {
		return 0, err
	}
	spec := proc.Spec{
		Path: path, Args: args[2:], Env: append(os.Environ(), a.Paths.Env()...),
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Deadline: time.Duration(seconds) * time.Second, Grace: time.Second,
	}
	exit, err := proc.Run(ctx, spec)
	switch {
	case err != nil:
		return 0, err
	case exit.TimedOut:
		return boundExit, nil
	case exit.Signal != 0:
		return 128 + int(exit.Signal), nil
	}
	return exit.Code, nil
}
