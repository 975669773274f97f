package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/safehold/safehold/runtime/control"
)

// completeLimit bounds the questions asked while a shell waits.
const completeLimit = 2 * time.Second

type completion = func(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective)

// complete attaches a completion to a flag of the command, which must exist.
func complete(cmd *cobra.Command, flag string, f completion) {
	if err := cmd.RegisterFlagCompletionFunc(flag, f); err != nil {
		panic("cli: " + err.Error()) // a mistake in this package
	}
}

// words completes with fixed words, each once.
func words(list ...string) completion {
	return func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return list, cobra.ShellCompDirectiveNoFileComp
	}
}

func (a *App) completeModules(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	reg, err := a.store().Registry()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var names []string
	for _, n := range reg.Names() {
		names = append(names, string(n))
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeResources offers the resources of the module given so far.
func (a *App) completeResources(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	m, err := a.module(cmd)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	ctx, cancel := context.WithTimeout(context.Background(), completeLimit)
	defer cancel()
	var v control.View
	if err := a.askRunning(ctx, m, control.PathView, control.None{}, &v); err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, r := range v.LocalResources {
		names = append(names, r.Name)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completePackages offers the packages that can be installed by name.
func (a *App) completePackages(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return []string{"safe"}, cobra.ShellCompDirectiveFilterFileExt
}

// completePairs offers class.id=up and class.id=down.
func (a *App) completePairs(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
	names, _ := a.completeResources(cmd, args, begun)
	var pairs []string
	for _, n := range names {
		pairs = append(pairs, n+"=up", n+"=down")
	}
	return pairs, cobra.ShellCompDirectiveNoFileComp
}
