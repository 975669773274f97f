package cli

import (
	"errors"
	"fmt"
	"strconv"
	"syscall"

	"github.com/spf13/cobra"
)

func (a *App) kill() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "kill -name=NAME [-argregex=REGEX] -level=test|terminate|9|15",
		Short: "Signal processes by name and command",
		Long: `Send a signal to every process with the command name and, with -argregex, a whole
command that matches the extended regular expression. test only lists them,
terminate is 15. The callers of the command are spared.`,
		Example: `  safekit kill -name=java -argregex='-Dapp=shop' -level=test
  safekit kill -name=java -argregex='-Dapp=shop' -level=terminate`,
		Args: noArgs,
	}
	name := cmd.Flags().String("name", "", "command `name`")
	expr := cmd.Flags().String("argregex", "", "extended regular `expression` on the whole command")
	level := cmd.Flags().String("level", "", "`signal`: test, terminate, 9 or 15")
	complete(cmd, "level", words("test", "terminate", "9", "15"))
	cmd.RunE = func(*cobra.Command, []string) error {
		if *name == "" {
			return errors.New("which processes? give their name with -name=NAME")
		}
		s, err := killSignal(*level)
		if err != nil {
			return err
		}
		all, err := processes()
		if err != nil {
			return err
		}
		found, err := matching(all, *name, *expr)
		if err != nil {
			return err
		}
		keep := vital(all)
		var failed []error
		for _, p := range found {
			if keep(p) {
				continue
			}
			fmt.Fprintf(a.Out, "%d %s\n", p.pid, p.text())
			if s != 0 {
				failed = append(failed, p.signal(s))
			}
		}
		return errors.Join(failed...)
	}
	return a.moduleFlag(cmd)
}

// killSignal reads -level; 0 means only list.
func killSignal(level string) (syscall.Signal, error) {
	switch level {
	case "test":
		return 0, nil
	case "terminate":
		return syscall.SIGTERM, nil
	case "kill":
		return syscall.SIGKILL, nil
	}
	n, err := strconv.Atoi(level)
	if err != nil || n < 1 || n > 64 {
		return 0, fmt.Errorf("level %q: want test, terminate, 9 or 15", level)
	}
	return syscall.Signal(n), nil
}
