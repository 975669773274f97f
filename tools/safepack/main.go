// Command safepack builds, lists, verifies and extracts module packages, the
// `.safe` files. It is the package author's tool: the product installs
// packages with `safekit module install`, by the same rules.
//
// Exit codes: 0 success; 1 the package or a file is at fault; 2 the command
// line is.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"

	"github.com/spf13/cobra"
)

const (
	exitOK = iota
	exitFault
	exitUsage
)

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := command().ExecuteContext(ctx)
	var f *fault
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &f):
		fmt.Fprintf(os.Stderr, "Error: %v\n", f.err)
		return exitFault
	}
	fmt.Fprintf(os.Stderr, "Error: %v; see 'safepack --help'\n", err)
	return exitUsage
}

// fault marks an error of the work itself, as opposed to one of the command
// line.
type fault struct{ err error }

func (f *fault) Error() string { return f.err.Error() }

func (f *fault) Unwrap() error { return f.err }

func command() *cobra.Command {
	root := &cobra.Command{
		Use:   "safepack",
		Short: "Build, list, verify and extract .safe module packages",
		Long: `safepack builds, lists, verifies and extracts .safe module packages.

A package is an archive (zip; tar, plain or compressed, and 7z are read too)
holding conf/userconfig.xml, the scripts in bin/, and little else. safepack
judges it by the rules of 'safekit module install'.

Exit codes: 0 success, 1 the package is at fault, 2 the command line is.`,
		Example: `  safepack pack modules/kvm kvm.safe
  safepack verify --strict kvm.safe
  safepack list kvm.safe
  safepack extract kvm.safe /tmp/kvm`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return errors.New("name what to do: pack, list, verify or extract")
		},
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	root.AddCommand(packCommand(), listCommand(), verifyCommand(), extractCommand())
	return root
}

// work wraps a command's body so that its errors become faults.
func work(body func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if err := body(cmd, args); err != nil {
			return &fault{err}
		}
		return nil
	}
}
