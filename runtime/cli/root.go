package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/safehold/safehold/runtime/version"
)

// Groups of commands, in the order of the help.
const (
	groupControl   = "control"
	groupObserve   = "observe"
	groupConfigure = "configure"
	groupScripts   = "scripts"
	groupNode      = "node"
)

// Root builds the command tree.
func (a *App) Root() *cobra.Command {
	root := &cobra.Command{
		Use:   "safekit",
		Short: "Keep applications and virtual machines available on two servers",
		Long: `safekit controls, observes and configures the modules of this node and, with
-H, of other nodes. AM stands for the name of a module.

Besides the commands below, safekit daemon is the node's daemon (started by the
system at boot), and safekit supervise and safekit plugin are its helpers.`,
		Example: `  safekit state
  safekit start -m AM
  safekit -H "*" state -m AM`,
		SilenceErrors: true, SilenceUsage: true,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknown(cmd, args[0])
			}
			return cmd.Help()
		},
		Version: version.Version,
	}
	root.SetOut(a.Out)
	root.SetErr(a.Err)
	root.CompletionOptions.DisableDefaultCmd = true
	root.PersistentFlags().StringVarP(&a.user, "by", "u", "", "`user` named in the logs as the caller")
	if err := root.PersistentFlags().MarkHidden("by"); err != nil {
		panic("cli: " + err.Error()) // a mistake in this package
	}
	a.fill(root, groupControl, "Control a module:",
		a.start, a.waitstart, a.stop, a.waitstop, a.waitstate, a.restart, a.stopstart, a.swap, a.prim, a.second,
		a.primforce, a.secondforce, a.forcestop, a.update, a.errd, a.checker, a.failover, a.boot)
	a.fill(root, groupObserve, "Observe a module:",
		a.state, a.explain, a.rules, a.get, a.log, a.logview, a.logsave)
	a.fill(root, groupConfigure, "Install and configure:",
		a.moduleCommand, a.config, a.confcheck, a.confinfo, a.deconfig, a.clusterCommand)
	a.fill(root, groupScripts, "For scripts and checkers:",
		a.set, a.printi, a.printw, a.printe, a.incloop, a.resetloop, a.checkloop, a.kill, a.run, a.env)
	a.fill(root, groupNode, "This node and the others:",
		a.remote, a.level, a.shutdown, a.webservercfg, a.cmdlog, a.setup, a.completion)
	root.SetHelpCommandGroupID(groupNode)
	absent(root)
	return root
}

func (a *App) fill(root *cobra.Command, id, title string, commands ...func() *cobra.Command) {
	root.AddGroup(&cobra.Group{ID: id, Title: title})
	for _, build := range commands {
		cmd := build()
		cmd.GroupID = id
		cmd.DisableFlagsInUseLine = true
		root.AddCommand(cmd)
	}
}

// unknown tells about a verb nobody knows, and what may have been meant.
func unknown(root *cobra.Command, verb string) error {
	root.SuggestionsMinimumDistance = 2
	text := fmt.Sprintf("unknown command %q", verb)
	if near := root.SuggestionsFor(verb); len(near) > 0 {
		return fmt.Errorf("%s: did you mean %s?", text, strings.Join(near, " or "))
	}
	return fmt.Errorf("%s: safekit --help lists the commands", text)
}

// noArgs refuses words that the command would ignore.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("%s: unexpected %q: see safekit %s --help", cmd.Name(), args[0], cmd.Name())
	}
	return nil
}

// oneOf accepts at most one word, out of the list.
func oneOf(list ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > 1 {
			return fmt.Errorf("%s: unexpected %q: see safekit %s --help", cmd.Name(), args[1], cmd.Name())
		}
		for _, w := range list {
			if len(args) == 0 || args[0] == w {
				return nil
			}
		}
		return fmt.Errorf("%s: unknown word %q: want %s", cmd.Name(), args[0], strings.Join(list, ", "))
	}
}
