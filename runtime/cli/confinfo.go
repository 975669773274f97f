package cli

import (
	"strconv"
	"time"

	"github.com/spf13/cobra"
)

func (a *App) confinfo() *cobra.Command {
	return a.moduleFlag(&cobra.Command{
		Use:   "confinfo -m AM",
		Short: "Compare the configuration in force with the edited one",
		Long: `Show signature and date (seconds since 1970) of the module's configuration in
force (active) and of the edited one (current). Different signatures mean that
edits are not applied yet.`,
		Example: `  safekit confinfo -m AM`,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			m, err := a.moduleOnDisk(cmd)
			if err != nil {
				return err
			}
			info, err := a.store().Info(m)
			if err != nil {
				return err
			}
			t := newTable(a.Out)
			t.row("Configuration", "Signature", "Date")
			if info.Active != "" {
				t.row("active", info.Active, epoch(info.ActiveDate))
			} else {
				t.row("active", "-", "-")
			}
			t.row("current", info.Edited, epoch(info.EditedDate))
			return t.flush()
		},
	})
}

func epoch(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }
