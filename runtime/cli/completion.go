package cli

import (
	"errors"

	"github.com/spf13/cobra"
)

func (a *App) completion() *cobra.Command {
	return &cobra.Command{
		Use:   "completion bash|zsh|fish",
		Short: "Print the completion script of a shell",
		Long: `Print a script that lets the shell complete commands, options, and the names of
modules and resources of this node.`,
		Example: `  safekit completion bash > /etc/bash_completion.d/safekit
  safekit completion zsh > /usr/share/zsh/site-functions/_safekit
  safekit completion fish > /usr/share/fish/vendor_completions.d/safekit.fish`,
		Args:              oneOf("bash", "zsh", "fish"),
		ValidArgsFunction: words("bash", "zsh", "fish"),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return errors.New("which shell? bash, zsh or fish")
			case args[0] == "bash":
				return cmd.Root().GenBashCompletionV2(a.Out, true)
			case args[0] == "zsh":
				return cmd.Root().GenZshCompletion(a.Out)
			default:
				return cmd.Root().GenFishCompletion(a.Out, true)
			}
		},
	}
}
