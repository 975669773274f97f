package cli

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/safehold/safehold/runtime/ha"
	"github.com/safehold/safehold/runtime/modlog"
)

// logLines is how many lines log shows unless told otherwise.
const logLines = 300

// logView are the options shared by log, logview and logsave.
type logView struct{ all, info bool }

// logFlags gives the command the options of a view. The language is accepted
// and ignored: there is an English log only.
func (a *App) logFlags(cmd *cobra.Command) *logView {
	v := &logView{}
	cmd.Flags().BoolVarP(&v.all, "all", "A", false, "every level, not only the main messages")
	cmd.Flags().BoolVarP(&v.info, "info", "I", false, "the main messages and the level I")
	cmd.Flags().StringP("lang", "l", "en", "`language`; the log is in English")
	complete(cmd, "lang", words("en"))
	return v
}

func (v *logView) shows(l ha.Level) bool {
	return v.all || l.Shown() || v.info && l == ha.Info
}

// tail gives the last n lines of the view, all for n <= 0.
func (v *logView) tail(path string, n int) ([]modlog.Line, error) {
	if !v.info || v.all {
		return modlog.Tail(path, n, v.all)
	}
	lines, err := modlog.Tail(path, 0, true)
	if err != nil {
		return nil, err
	}
	kept := lines[:0]
	for _, l := range lines {
		if v.shows(l.Level) {
			kept = append(kept, l)
		}
	}
	if n > 0 && len(kept) > n {
		kept = kept[len(kept)-n:]
	}
	return kept, nil
}

// logPath finds the log of an installed module.
func (a *App) logPath(cmd *cobra.Command) (string, error) {
	m, err := a.module(cmd)
	if err != nil {
		return "", err
	}
	if err := a.needDaemon(cmd.Context()); err != nil {
		return "", err
	}
	if _, err := a.store().Record(m); err != nil {
		return "", err
	}
	return filepath.Join(a.Paths.UserVar(m), "log"), nil
}

func (a *App) log() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "log -m AM [-s N] [-A]",
		Short: "Show the log of a module",
		Long: `Show the last messages of the module's log: 300 unless -s says otherwise. Without
-A only the main messages are shown: critical ones, events, actions of users and
scripts.`,
		Example: `  safekit log -m AM
  safekit log -m AM -s 50 -A`,
		Args: noArgs,
	}
	n := cmd.Flags().IntP("size", "s", logLines, "`number` of messages")
	view := a.logFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		path, err := a.logPath(cmd)
		if err != nil {
			return err
		}
		lines, err := view.tail(path, *n)
		if err != nil {
			return err
		}
		for _, l := range lines {
			fmt.Fprintln(a.Out, l)
		}
		return nil
	}
	return a.moduleFlag(cmd)
}
