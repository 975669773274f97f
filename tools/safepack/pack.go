package main

import (
	"bytes"
	"fmt"
	"path/filepath"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"github.com/safehold/safehold/safefmt"
)

func packCommand() *cobra.Command {
	all := false
	cmd := &cobra.Command{
		Use:   "pack DIR FILE.safe",
		Short: "Build a package from a module's directory",
		Long: `Build a package from a module's directory and verify it.

Packed are conf, bin, web, manifest.xml and README.md; with --all, everything
in DIR. The same tree always gives the same bytes. FILE.safe appears complete
or not at all; an older one is replaced.`,
		Example: `  safepack pack modules/kvm kvm.safe
  safepack pack --all /opt/safekit/modules/kvm /root/kvm.safe`,
		Args: cobra.ExactArgs(2),
		RunE: work(func(cmd *cobra.Command, args []string) error {
			parts := []string{"conf", "bin", "web", "manifest.xml", "README.md"}
			if all {
				parts = nil
			}
			return pack(cmd, args[0], args[1], parts)
		}),
	}
	cmd.Flags().BoolVar(&all, "all", false, "pack everything in DIR")
	return cmd
}

func pack(cmd *cobra.Command, dir, path string, parts []string) error {
	var out bytes.Buffer
	if err := safefmt.PackParts(cmd.Context(), dir, &out, parts...); err != nil {
		return err
	}
	p, err := safefmt.Read(filepath.Base(path), bytes.NewReader(out.Bytes()), int64(out.Len()), safefmt.Limits{})
	if err != nil {
		return fmt.Errorf("verify the package made from %s: %w", dir, err)
	}
	warn(cmd, path, p)
	if err := renameio.WriteFile(path, out.Bytes(), 0o644); err != nil {
		return fmt.Errorf("write package: %w", err)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s: %d entries, %d bytes, digest %s\n", path, len(p.Entries()), out.Len(), p.Digest())
	return nil
}
