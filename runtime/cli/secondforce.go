package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/safehold/safehold/runtime/control"
	"github.com/safehold/safehold/runtime/ha"
)

func (a *App) secondforce() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "secondforce -d DATE -m AM",
		Short: "Start as secondary, copying only what changed after a date",
		Long: `Start a stopped mirror module as secondary and copy only files modified after
the date, which may be written as 2026-01-31, "2026-01-31 12:00:00" or
2026-01-31T12:00:00, with a Z behind it for UTC and without for local time.`,
		Example: `  safekit secondforce -d "2026-01-31 12:00:00" -m AM`,
		Args:    noArgs,
	}
	date := cmd.Flags().StringP("date", "d", "", "`date` of the last valid copy")
	cmd.RunE = a.audited(func(cmd *cobra.Command, _ []string) error {
		since, err := parseDate(*date, time.Local)
		if err != nil {
			return err
		}
		return a.act(cmd, control.Command{Verb: ha.VerbSecondForce, Since: since})
	})
	return a.moduleFlag(cmd)
}

// parseDate reads the forms of commands.md section 4; without Z in local.
func parseDate(s string, local *time.Location) (time.Time, error) {
	where := local
	text, utc := strings.CutSuffix(s, "Z")
	if utc {
		where = time.UTC
	}
	for _, layout := range []string{time.DateOnly, time.DateTime, "2006-01-02T15:04:05"} {
		if t, err := time.ParseInLocation(layout, text, where); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("date %q: want YYYY-MM-DD, \"YYYY-MM-DD hh:mm:ss\" or YYYY-MM-DDThh:mm:ss, with Z for UTC", s)
}
