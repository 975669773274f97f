package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// Tool is a special command that is part of the product: it has no options of
// the command tree and decides its own exit code.
type Tool func(ctx context.Context, a *App, args []string) (exit int, err error)

// tools are the special commands, SAFEBIN (commands.md section 7.1).
func tools() map[string]Tool {
	return map[string]Tool{
		"xpathGet": xpathGet, "logI18nMSG": logMessage, "boundcmd": boundCommand,
		"processtree": processTree, "errdpoll_running": errdPoll,
	}
}

// ToolNames lists the special commands.
func ToolNames() []string {
	var names []string
	for n := range tools() {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// RunTool executes the special command and gives its exit code. ok is false
// when there is none of that name.
func (a *App) RunTool(ctx context.Context, name string, args []string) (exit int, ok bool) {
	tool, ok := tools()[name]
	if !ok {
		return 0, false
	}
	exit, err := tool(ctx, a, args)
	if err != nil {
		return a.fail(fmt.Errorf("%s: %w", name, err)), true
	}
	return exit, true
}

func (a *App) run() *cobra.Command {
	return &cobra.Command{
		Use:   "run COMMAND [ARGUMENT…] (safekit -r)",
		Short: "Run a special command with the product's environment (safekit -r)",
		Long: `Run a special command; the known form is safekit -r COMMAND. Part of the product:

  xpathGet XPATH FILE          print what an XPath finds in an XML file
  logI18nMSG ORIGIN LEVEL KEY [ARGUMENT…]
                               write a known message into the module's log
  boundcmd SECONDS COMMAND [ARGUMENT…]
                               run a command; 2 when it takes longer
  processtree list|kill all|NAME [REGEX]
                               list or kill processes with their children
  errdpoll_running             write SAFEVAR/errdpoll_reserrd

Any other word is an executable in SAFE/private/bin or an absolute path. The exit
code is that of the command. Only on this node.`,
		Example: `  safekit -r boundcmd 10 fsck -n /dev/sdb1
  safekit -r processtree list java`,
		DisableFlagParsing: true,
		ValidArgsFunction:  words(ToolNames()...),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return errors.New("which command? see safekit run --help")
			case args[0] == "-h", args[0] == "--help":
				return cmd.Help()
			}
			if exit, ok := a.RunTool(cmd.Context(), args[0], args[1:]); ok {
				return result(exit)
			}
			return a.execute(cmd.Context(), args[0], args[1:])
		},
	}
}

func result(exit int) error {
	if exit == 0 {
		return nil
	}
	return exitError(exit)
}

// execute runs an executable of SAFEBIN, or one named by an absolute path.
func (a *App) execute(ctx context.Context, name string, args []string) error {
	path := name
	if !filepath.IsAbs(path) {
		if strings.Contains(name, "/") {
			return fmt.Errorf("special command %q: want a name in %s or an absolute path", name, a.Paths.Bin())
		}
		path = filepath.Join(a.Paths.Bin(), name)
	}
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("special command %q does not exist: see safekit run --help", name)
	}
	c := exec.CommandContext(ctx, path, args...)
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, a.Out, a.Err
	c.Env = append(os.Environ(), a.Paths.Env()...)
	err := c.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() > 0 {
		return exitError(exit.ExitCode())
	}
	return err
}
