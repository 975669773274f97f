package cli

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/safehold/safehold/runtime/version"
)

func (a *App) level() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "level [-m AM]",
		Short: "Show the host, its system and the version of the product",
		Long: `Show the host, its operating system and the version of the product; with -m also
what the module's script level prints.`,
		Example: `  safekit level`,
		Args:    noArgs,
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := a.needDaemon(cmd.Context()); err != nil {
			return err
		}
		host, err := os.Hostname()
		if err != nil {
			return err
		}
		fmt.Fprintf(a.Out, "Host: %s\nOS: %s\nSafeKit: %s\nLicense: none needed\n", host, osName(), version.Version)
		if name := cmd.Flags().Lookup("module").Value.String(); name == "" {
			return nil
		}
		m, err := a.module(cmd)
		if err != nil {
			return err
		}
		if _, err := a.store().Record(m); err != nil {
			return err
		}
		return a.moduleScript(cmd.Context(), m, "level")
	}
	return a.moduleFlag(cmd)
}

// osName is the system as its maker names it.
func osName() string {
	f, err := os.Open("/etc/os-release")
	if err != nil {
		return runtime.GOOS
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if v, ok := strings.CutPrefix(s.Text(), "PRETTY_NAME="); ok {
			return strings.Trim(v, `"'`)
		}
	}
	return runtime.GOOS
}
