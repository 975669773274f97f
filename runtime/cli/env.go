package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

func (a *App) env() *cobra.Command {
	return &cobra.Command{
		Use:   "env",
		Short: "Print where the product lives (safekit -p)",
		Long: `Print the product's folders as assignments that a shell can read. The known form
is safekit -p.`,
		Example: `  eval "$(safekit -p)"; ls "$SAFE"`,
		Args:    noArgs,
		RunE: func(*cobra.Command, []string) error {
			for _, kv := range a.Paths.Env() {
				name, value, _ := strings.Cut(kv, "=")
				fmt.Fprintf(a.Out, "%s=%s\n", name, quoted(value))
			}
			return nil
		},
	}
}

// quoted is the value for a shell, in double quotes.
func quoted(value string) string {
	r := strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`, "`", "\\`")
	return `"` + r.Replace(value) + `"`
}
