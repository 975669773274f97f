package cli

import (
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/safehold/safehold/runtime/ha"
	"github.com/safehold/safehold/runtime/module"
)

func (a *App) moduleCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "module COMMAND",
		Short: "Install, pack, list and remove modules",
		Long:  `Install modules from packages, pack, list and remove them, and manage their keys.`,
		Example: `  safekit module install -m AM /tmp/AM.safe
  safekit module list`,
		Args: cobra.ArbitraryArgs,
		RunE: group,
	}
	for _, sub := range []*cobra.Command{
		a.moduleInstall(), a.moduleUninstall(), a.modulePackage(), a.moduleList(), a.moduleListID(),
		a.moduleGetPorts(), a.moduleGenKey(), a.moduleDelKey(),
	} {
		sub.DisableFlagsInUseLine = true
		cmd.AddCommand(sub)
	}
	return cmd
}

// group is the action of a command that only has sub-commands.
func group(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("%s: unknown command %q: see safekit %s --help", cmd.Name(), args[0], cmd.Name())
	}
	return cmd.Help()
}

func (a *App) moduleInstall() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "install -m AM [-M ID] [-r] [FILE.safe]",
		Short: "Install a module from a package",
		Long: `Install a package under the name AM. Without a file, AM.safe is searched in
SAFE/Application_Modules and below, and so is a relative file name. -M gives the
module an id, which must be the same on all nodes; -r installs over a module that
is there.`,
		Example: `  safekit module install -m AM mirror.safe
  safekit module install -m AM -M 3 -r /tmp/AM.safe`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: a.completePackages,
	}
	id := cmd.Flags().IntP("id", "M", 0, "`id` of the module, from 1 on")
	replace := cmd.Flags().BoolP("replace", "r", false, "install over an installed module")
	cmd.RunE = a.audited(func(cmd *cobra.Command, args []string) error {
		m, err := a.moduleOnDisk(cmd)
		if err != nil {
			return err
		}
		o := module.InstallOptions{Name: m, ID: *id, Replace: *replace}
		if cmd.Flags().Changed("id") && (*id < 1 || *id > module.MaxID) {
			return fmt.Errorf("module id %d: want 1 to %d", *id, module.MaxID)
		}
		if len(args) > 0 {
			o.File = args[0]
		}
		warnings, err := a.store().Install(cmd.Context(), o)
		for _, w := range warnings {
			fmt.Fprintf(a.Err, "Warning: %s\n", w)
		}
		if err != nil {
			return err
		}
		return a.changed(cmd.Context())
	})
	return a.moduleFlag(cmd)
}

// moduleOnDisk is the module of a command that works on files, with the daemon there.
func (a *App) moduleOnDisk(cmd *cobra.Command) (ha.ModuleName, error) {
	m, err := a.module(cmd)
	if err != nil {
		return "", err
	}
	return m, a.needDaemon(cmd.Context())
}

func (a *App) moduleUninstall() *cobra.Command {
	return a.moduleFlag(&cobra.Command{
		Use:   "uninstall -m AM",
		Short: "Remove a module",
		Long: `Deconfigure a stopped module, archive it in SAFE/Application_Modules/backup and
remove it. Replicated data stay.`,
		Example: `  safekit module uninstall -m AM`,
		Args:    noArgs,
		RunE: a.audited(func(cmd *cobra.Command, _ []string) error {
			m, err := a.moduleOnDisk(cmd)
			if err != nil {
				return err
			}
			if _, err := a.store().Record(m); err != nil {
				return err
			}
			return a.withoutSupervisor(cmd.Context(), m, func() error {
				backup, err := a.store().Uninstall(cmd.Context(), m, module.Output{Text: a.Out})
				if err == nil {
					fmt.Fprintf(a.Out, "module %s is archived in %s\n", m, backup)
				}
				return err
			})
		}),
	})
}

func (a *App) modulePackage() *cobra.Command {
	return a.moduleFlag(&cobra.Command{
		Use:     "package -m AM FILE.safe",
		Short:   "Pack the edited configuration of a module",
		Long:    `Pack SAFE/modules/AM into a package file, named by an absolute path.`,
		Example: `  safekit module package -m AM /tmp/AM.safe`,
		Args:    cobra.ExactArgs(1),
		RunE: a.audited(func(cmd *cobra.Command, args []string) error {
			m, err := a.moduleOnDisk(cmd)
			if err != nil {
				return err
			}
			return a.store().Package(cmd.Context(), m, args[0])
		}),
	})
}

func (a *App) moduleList() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the installed modules",
		Long:    `List the names of the modules installed on this node.`,
		Example: `  safekit module list`,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.listModules(cmd, func(m ha.ModuleName, _ module.Record) []string { return []string{string(m)} })
		},
	}
}

func (a *App) moduleListID() *cobra.Command {
	return &cobra.Command{
		Use:     "listid",
		Short:   "List the installed modules with their ids",
		Long:    `List the installed modules with their ids, which must be the same on all nodes.`,
		Example: `  safekit module listid`,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.listModules(cmd, func(m ha.ModuleName, r module.Record) []string {
				return []string{string(m), strconv.Itoa(r.ID)}
			})
		},
	}
}

func (a *App) listModules(cmd *cobra.Command, cells func(ha.ModuleName, module.Record) []string) error {
	if err := a.needDaemon(cmd.Context()); err != nil {
		return err
	}
	reg, err := a.store().Registry()
	if err != nil {
		return err
	}
	t := newTable(a.Out)
	for _, m := range reg.Names() {
		t.row(cells(m, reg.Modules[m])...)
	}
	return t.flush()
}

func (a *App) moduleGetPorts() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "getports -m AM | -i ID",
		Short: "List the network ports of a module",
		Long: `List the ports that the node and a module use, for firewalls. -i names the module
by its id; for an id that nobody has, the ports of a mirror module are shown.`,
		Example: `  safekit module getports -m AM
  safekit module getports -i 2`,
		Args: noArgs,
	}
	id := cmd.Flags().IntP("id", "i", 0, "`id` of the module")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := a.needDaemon(cmd.Context()); err != nil {
			return err
		}
		rec, err := a.recordByID(*id)
		if *id == 0 {
			rec, err = a.recordByName(cmd)
		}
		if err != nil {
			return err
		}
		mode, err := ha.ParseMode(rec.Mode)
		if err != nil {
			mode = ha.Mirror // not configured yet: the widest list
		}
		c, err := a.cluster()
		if err != nil {
			return err
		}
		membership := module.MembershipPort
		if c != nil {
			membership = c.Config.Port
		}
		fmt.Fprint(a.Out, module.PortList(rec.ID, mode, membership))
		return nil
	}
	return a.moduleFlag(cmd)
}

func (a *App) recordByName(cmd *cobra.Command) (module.Record, error) {
	m, err := a.module(cmd)
	if err != nil {
		return module.Record{}, err
	}
	return a.store().Record(m)
}

func (a *App) recordByID(id int) (module.Record, error) {
	if id < 0 || id > module.MaxID {
		return module.Record{}, fmt.Errorf("module id %d: want 1 to %d", id, module.MaxID)
	}
	reg, err := a.store().Registry()
	if err != nil {
		return module.Record{}, err
	}
	for _, rec := range reg.Modules {
		if rec.ID == id {
			return rec, nil
		}
	}
	return module.Record{ID: id}, nil
}

func (a *App) moduleGenKey() *cobra.Command {
	return a.moduleFlag(&cobra.Command{
		Use:   "genkey -m AM",
		Short: "Make a key of the module's own",
		Long: `Make a key for what the nodes of the module send each other. It counts from the
next configuration on, which must reach both nodes.`,
		Example: `  safekit module genkey -m AM && safekit -H "*" -E AM`,
		Args:    noArgs,
		RunE: a.audited(func(cmd *cobra.Command, _ []string) error {
			m, err := a.moduleOnDisk(cmd)
			if err != nil {
				return err
			}
			fingerprint, err := a.store().GenKey(m)
			if err == nil {
				fmt.Fprintf(a.Out, "key %s: apply it with safekit -H \"*\" -E %s\n", fingerprint, m)
			}
			return err
		}),
	})
}

func (a *App) moduleDelKey() *cobra.Command {
	return a.moduleFlag(&cobra.Command{
		Use:   "delkey -m AM",
		Short: "Remove the module's key",
		Long: `Remove the module's key: replication is no longer encrypted, for a dedicated link;
the nodes still prove who they are. It counts from the next configuration on.`,
		Example: `  safekit module delkey -m AM && safekit -H "*" -E AM`,
		Args:    noArgs,
		RunE: a.audited(func(cmd *cobra.Command, _ []string) error {
			m, err := a.moduleOnDisk(cmd)
			if err != nil {
				return err
			}
			return a.store().DelKey(m)
		}),
	})
}
