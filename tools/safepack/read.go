package main

import (
	"fmt"
	"io/fs"
	"time"

	"github.com/spf13/cobra"

	"github.com/safehold/safehold/safefmt"
)

// open reads a package; a one-shot command may read 7z as well.
func open(path string) (*safefmt.Package, error) {
	return safefmt.Open(path, safefmt.Limits{SevenZip: true})
}

func warn(cmd *cobra.Command, path string, p *safefmt.Package) {
	for _, w := range p.Warnings() {
		cmd.PrintErrf("Warning: %s: %s\n", path, w)
	}
}

func listCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list FILE",
		Short:   "List a package: mode, bytes, time (UTC) and name of each entry",
		Example: "  safepack list kvm.safe",
		Args:    cobra.ExactArgs(1),
		RunE: work(func(cmd *cobra.Command, args []string) error {
			p, err := open(args[0])
			if err != nil {
				return err
			}
			for _, e := range p.Entries() {
				fmt.Fprintln(cmd.OutOrStdout(), line(e))
			}
			return nil
		}),
	}
}

// line is one line of a listing, in the columns of ls -l.
func line(e safefmt.Entry) string {
	mode, name, when := e.Mode, e.Name, "-"
	if e.Dir {
		mode, name = mode|fs.ModeDir, name+"/"
	} else if !e.ModTime.IsZero() {
		when = e.ModTime.UTC().Format(time.DateTime)
	}
	return fmt.Sprintf("%s %9d %-19s %s", mode, e.Size, when, name)
}

func verifyCommand() *cobra.Command {
	strict := false
	cmd := &cobra.Command{
		Use:   "verify FILE...",
		Short: "Verify packages",
		Long: `Verify packages by the rules of 'safekit module install'. What is tolerated or
repaired at install is printed as a warning; with --strict it is an error.`,
		Example: `  safepack verify kvm.safe
  safepack verify --strict *.safe`,
		Args: cobra.MinimumNArgs(1),
		RunE: work(func(cmd *cobra.Command, args []string) error { return verify(cmd, args, strict) }),
	}
	cmd.Flags().BoolVar(&strict, "strict", false, "treat warnings as errors")
	return cmd
}

// verify judges every package before it fails.
func verify(cmd *cobra.Command, paths []string, strict bool) error {
	bad := 0
	for _, path := range paths {
		p, err := open(path)
		if err != nil {
			bad++
			cmd.PrintErrf("Error: %v\n", err)
			continue
		}
		warn(cmd, path, p)
		if strict && len(p.Warnings()) > 0 {
			bad++
			continue
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s: good, %d entries, digest %s\n", path, len(p.Entries()), p.Digest())
	}
	if bad > 0 {
		return fmt.Errorf("%d of %d packages refused", bad, len(paths))
	}
	return nil
}

func extractCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "extract FILE DIR",
		Short: "Verify a package and extract it to a new directory",
		Long: `Verify a package and extract it to DIR, which must not exist. DIR appears
complete or not at all.`,
		Example: "  safepack extract kvm.safe /tmp/kvm",
		Args:    cobra.ExactArgs(2),
		RunE: work(func(cmd *cobra.Command, args []string) error {
			p, err := open(args[0])
			if err != nil {
				return err
			}
			warn(cmd, args[0], p)
			return p.ExtractTo(cmd.Context(), args[1])
		}),
	}
}
