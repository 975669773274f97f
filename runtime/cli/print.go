package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/safehold/safehold/runtime/control"
	"github.com/safehold/safehold/runtime/ha"
	"github.com/safehold/safehold/runtime/modlog"
)

func (a *App) printi() *cobra.Command {
	return a.printing("printi", "an information message", ha.Info, "service started")
}

func (a *App) printw() *cobra.Command {
	return a.printing("printw", "a warning", ha.Warning, "service starts slowly")
}

func (a *App) printe() *cobra.Command {
	return a.printing("printe", "an event that the default view shows", ha.Event, "service does not start")
}

// printing builds a command that writes into the module's log.
func (a *App) printing(name, what string, level ha.Level, sample string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   name + " -m AM MESSAGE",
		Short: "Write " + what + " into the log of a module",
		Long: fmt.Sprintf(`Write %s into the log of a module (level %v). Works without the daemon, and in
configuration scripts.`, what, level),
		Example: fmt.Sprintf("  safekit %s -m AM %q", name, sample),
		RunE: func(cmd *cobra.Command, args []string) error {
			m, err := a.module(cmd)
			if err != nil {
				return err
			}
			if len(args) == 0 {
				return errors.New("which message? see safekit " + name + " --help")
			}
			return a.say(cmd.Context(), m, control.Say{Origin: speaker(), Level: level, Text: strings.Join(args, " ")})
		},
	}
	return a.moduleFlag(cmd)
}

// say writes the line through the supervisor, or itself when none runs: while
// the module is being configured, for instance.
func (a *App) say(ctx context.Context, m ha.ModuleName, s control.Say) error {
	err := a.askRunning(ctx, m, control.PathSay, s, nil)
	if !errors.Is(err, control.ErrDown) {
		return err
	}
	if _, err := a.store().Record(m); err != nil {
		return err
	}
	if err := os.MkdirAll(a.Paths.UserVar(m), 0o700); err != nil {
		return fmt.Errorf("log of module %s: %w", m, err)
	}
	log, err := modlog.Open(filepath.Join(a.Paths.UserVar(m), "log"), string(m), modlog.Options{})
	if err != nil {
		return err
	}
	return errors.Join(log.Append(a.Now(), s.Origin, s.Level, s.Text), log.Close())
}

// speaker is the script that calls the command, else "safekit".
func speaker() string {
	raw, err := os.ReadFile("/proc/" + strconv.Itoa(os.Getppid()) + "/cmdline")
	if err != nil || os.Getenv("SAFEMODULE") == "" {
		return "safekit"
	}
	words := strings.Split(strings.TrimRight(string(raw), "\x00"), "\x00")
	// An interpreter comes before its script.
	for _, w := range words {
		base := filepath.Base(w)
		switch base {
		case "sh", "bash", "dash", "ksh", "python", "python3", "perl", "env":
			continue
		}
		if w == "-c" { // words of a shell, not a script
			return "safekit"
		}
		if strings.HasPrefix(w, "-") || base == "." || base == "/" {
			continue
		}
		return base
	}
	return "safekit"
}
