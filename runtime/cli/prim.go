package cli

import (
	"github.com/spf13/cobra"

	"github.com/safehold/safehold/runtime/control"
	"github.com/safehold/safehold/runtime/ha"
)

func (a *App) prim() *cobra.Command {
	return a.forcedRole(&cobra.Command{
		Use:   "prim [fullsync] -m AM",
		Short: "Start a stopped module as primary",
		Long: `Start a mirror module as primary with the data of this node: for the first start,
on the node that has the valid data. It fails when the other node is primary or
when the data here are inconsistent. With fullsync everything is copied to the
other node when it joins.`,
		Example: `  safekit prim -m AM
  safekit prim fullsync -m AM`,
	}, ha.VerbPrim)
}

func (a *App) second() *cobra.Command {
	return a.forcedRole(&cobra.Command{
		Use:   "second [fullsync] -m AM",
		Short: "Start a stopped module as secondary",
		Long: `Start a mirror module as secondary. It fails when the other node is not primary.
With fullsync everything is copied from there, not only what differs.`,
		Example: `  safekit second -m AM
  safekit second fullsync -m AM`,
	}, ha.VerbSecond)
}

func (a *App) forcedRole(cmd *cobra.Command, verb ha.Verb) *cobra.Command {
	cmd.Args, cmd.ValidArgsFunction = oneOf("fullsync"), words("fullsync")
	cmd.RunE = a.audited(func(cmd *cobra.Command, args []string) error {
		return a.act(cmd, control.Command{Verb: verb, FullSync: len(args) > 0})
	})
	return a.moduleFlag(cmd)
}

func (a *App) primforce() *cobra.Command {
	return a.action(&cobra.Command{
		Use:   "primforce -m AM",
		Short: "Start as primary although the data are inconsistent",
		Long: `Like prim, but accept data that an interrupted synchronisation left inconsistent.
Only for when the other node is lost: what was newer there is lost with it. The
other node will copy everything when it joins.`,
		Example: `  safekit primforce -m AM`,
	}, ha.VerbPrimForce)
}
