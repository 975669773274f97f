package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/safehold/safehold/runtime/control"
	"github.com/safehold/safehold/runtime/daemon"
	"github.com/safehold/safehold/runtime/ha"
	"github.com/safehold/safehold/runtime/module"
	"github.com/safehold/safehold/runtime/paths"
)

// UserEnv names the environment variable that tells on whose behalf the
// daemon runs a command.
const UserEnv = "SAFEHOLD_USER"

// App is what commands need of their process.
type App struct {
	Paths    paths.Tree
	Out, Err io.Writer
	Getenv   func(string) string
	Now      func() time.Time

	words []string // of the command, for the commands log
	user  string   // -u
}

// New makes an App of this process.
func New() *App {
	return &App{Paths: paths.FromEnv(), Out: os.Stdout, Err: os.Stderr, Getenv: os.Getenv, Now: time.Now}
}

// exitError ends the command with a code and without a message.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// Run executes the command with the words that follow the program's name and
// gives its exit code.
func (a *App) Run(ctx context.Context, words []string) int {
	a.words = words
	args, err := arrange(words)
	if err != nil {
		return a.fail(err)
	}
	root := a.Root()
	root.SetArgs(args)
	return a.fail(root.ExecuteContext(ctx))
}

// fail tells the error and gives the exit code for it.
func (a *App) fail(err error) int {
	code := exitCode(err)
	var silent exitError
	switch {
	case err == nil, errors.As(err, &silent):
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(a.Err, "Error: interrupted")
	default:
		text := strings.TrimSpace(err.Error())
		if errors.Is(err, fs.ErrPermission) {
			text += ": run the command as root or as a member of group " + control.Group
		}
		for line := range strings.Lines(text) {
			fmt.Fprintln(a.Err, "Error: "+strings.TrimRight(line, "\n"))
		}
	}
	return code
}

func exitCode(err error) int {
	var code exitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return int(code)
	default:
		return 1
	}
}

// who is the user that logs name: -u, the user of another node, or the
// caller's own.
func (a *App) who() string {
	if a.user != "" {
		return a.user
	}
	if u := a.Getenv(UserEnv); u != "" {
		return u
	}
	if u, err := user.Current(); err == nil && os.Geteuid() != 0 {
		return u.Username
	}
	return "root"
}

// moduleFlag gives the command its -m, with completion.
func (a *App) moduleFlag(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().StringP("module", "m", "", "module `AM` (default: the environment variable SAFEMODULE)")
	complete(cmd, "module", a.completeModules)
	return cmd
}

// module is the module the command is about.
func (a *App) module(cmd *cobra.Command) (ha.ModuleName, error) {
	name, given := a.moduleGiven(cmd)
	if !given {
		return "", errors.New("which module? give it with -m AM (safekit module list shows the names) or set SAFEMODULE")
	}
	return module.ParseName(name)
}

func (a *App) moduleGiven(cmd *cobra.Command) (string, bool) {
	if f := cmd.Flags().Lookup("module"); f != nil && f.Value.String() != "" {
		return f.Value.String(), true
	}
	name := a.Getenv("SAFEMODULE")
	return name, name != ""
}

// fromScript tells whether the command runs inside a script, checker or
// handler of the module itself.
func (a *App) fromScript(m ha.ModuleName) bool { return a.Getenv("SAFEMODULE") == string(m) }

// store opens the modules of this node.
func (a *App) store() *module.Store {
	state := func(m ha.ModuleName) (ha.Role, bool) { return daemon.ModuleState(a.Paths, m) }
	return module.Open(a.Paths, state, a.Now)
}
