package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
)

// linked are the names in SAFEBIN that are commands of the tree, not tools.
var linked = []string{"webservercfg"}

func (a *App) setup() *cobra.Command {
	return &cobra.Command{
		Use:   "setup",
		Short: "Make the product's folders and the special commands",
		Long: `Make the folders of the product and the links of the special commands in
SAFE/private/bin. The daemon does it whenever it starts.`,
		Example: `  safekit setup`,
		Args:    noArgs,
		RunE:    func(*cobra.Command, []string) error { return a.Setup() },
	}
}

// Setup makes the product's folders and, in SAFEBIN, a link to the binary for
// each special command; what is in the way stays.
func (a *App) Setup() error {
	for _, dir := range []string{
		a.Paths.Bin(), a.Paths.Modules(), a.Paths.Packages(), filepath.Join(a.Paths.Safe, "private", "modules"),
	} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("make the product's folders: %w", err)
		}
	}
	for _, name := range append(ToolNames(), linked...) {
		err := os.Symlink("../../safekit", filepath.Join(a.Paths.Bin(), name))
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("link the special commands: %w", err)
		}
	}
	return nil
}

// Linked tells whether the name the binary was called by is a command.
func Linked(name string) bool {
	for _, n := range linked {
		if n == name {
			return true
		}
	}
	return false
}
