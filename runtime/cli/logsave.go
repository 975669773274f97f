package cli

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"
)

func (a *App) logsave() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "logsave -m AM [-A] FILE",
		Short:   "Save the log of a module into a file",
		Long:    `Save the module's log into a file, named by an absolute path.`,
		Example: `  safekit logsave -m AM -A /tmp/AM.log`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || !filepath.IsAbs(args[0]) {
				return errors.New("logsave wants one file as an absolute path")
			}
			return nil
		},
	}
	view := a.logFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		path, err := a.logPath(cmd)
		if err != nil {
			return err
		}
		lines, err := view.tail(path, 0)
		if err != nil {
			return err
		}
		var text bytes.Buffer
		for _, l := range lines {
			fmt.Fprintln(&text, l)
		}
		return renameio.WriteFile(args[0], text.Bytes(), 0o640)
	}
	return a.moduleFlag(cmd)
}
