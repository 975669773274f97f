package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/safehold/safehold/runtime/modlog"
)

type runFunc = func(cmd *cobra.Command, args []string) error

// audited records the command in the commands log: everything that changes
// the system (services.md section 8). A log that cannot be written is told and
// hinders nothing.
func (a *App) audited(run runFunc) runFunc {
	return func(cmd *cobra.Command, args []string) error {
		log, err := modlog.OpenCommands(a.Paths.CommandLog(), modlog.Options{})
		if err != nil {
			// Members of the group safekit may not write; nor can anybody before
			// the daemon has run once.
			if !errors.Is(err, fs.ErrPermission) && !errors.Is(err, fs.ErrNotExist) {
				fmt.Fprintf(a.Err, "Warning: the command is not recorded: %v\n", err)
			}
			return run(cmd, args)
		}
		module := ""
		if cmd.Flags().Lookup("module") != nil {
			module, _ = a.moduleGiven(cmd)
		}
		told := log.Start(a.Now(), module, os.Getpid(), a.recorded())
		runErr := run(cmd, args)
		told = errors.Join(told, log.End(a.Now(), os.Getpid(), exitCode(runErr)), log.Close())
		if told != nil {
			fmt.Fprintf(a.Err, "Warning: the command is not recorded: %v\n", told)
		}
		return runErr
	}
}

// recorded is the command line without secrets, with the user.
func (a *App) recorded() string {
	words := slices.Clone(a.words)
	for i, w := range words {
		name, _, glued := strings.Cut(strings.TrimLeft(w, "-"), "=")
		if !strings.HasPrefix(w, "-") || !strings.HasSuffix(name, "passwd") {
			continue
		}
		if glued {
			words[i] = "-" + name + "=..."
		} else if i+1 < len(words) {
			words[i+1] = "..."
		}
	}
	if a.user == "" {
		words = append(words, "-u", a.who())
	}
	return strings.Join(words, " ")
}
