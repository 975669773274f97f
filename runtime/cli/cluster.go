package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/safehold/safehold/runtime/control"
)

// dateForm of tables.
const dateForm = "2006-01-02T15:04:05"

func (a *App) clusterCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cluster COMMAND",
		Short: "Configure and observe the cluster",
		Long: `Configure the cluster (the nodes, their networks and keys) and see what each node
has of it. safekit -H "*" -G copies the configuration of this node to all.`,
		Example: `  safekit cluster config cluster.xml && safekit -H "*" -G
  safekit cluster state`,
		Args: cobra.ArbitraryArgs,
		RunE: group,
	}
	for _, sub := range []*cobra.Command{
		a.clusterConfig(), a.clusterConfcheck(), a.clusterConfinfo(), a.clusterState(),
		a.clusterOperation("deconfig", "Remove the cluster configuration and its keys",
			"Remove the cluster configuration and its keys from this node. Modules must be stopped."),
		a.clusterOperation("genkey", "Make a new key for the traffic of the cluster",
			`Make a new key for the traffic of the cluster; effective after safekit -H "*" -G.`),
		a.clusterOperation("delkey", "Remove the key of the cluster's traffic",
			`Remove the key: membership traffic is no longer encrypted; effective after safekit -H "*" -G.`),
		a.clusterCreate(),
	} {
		sub.DisableFlagsInUseLine = true
		cmd.AddCommand(sub)
	}
	return cmd
}

func (a *App) clusterConfig() *cobra.Command {
	return &cobra.Command{
		Use:   "config [FILE.xml|FILE.zip] [lock|unlock]",
		Short: "Apply a cluster configuration on this node",
		Long: `Apply a cluster configuration on this node: an .xml with new keys, or a .zip that
brings its keys. Without a file SAFEVAR/cluster/cluster.xml is applied again with
new keys. After lock, later calls are refused until one says unlock. Run
safekit -H "*" -G afterwards to copy it to the other nodes.`,
		Example: `  safekit cluster config /tmp/cluster.xml
  safekit cluster config lock`,
		Args: cobra.MaximumNArgs(2),
		RunE: a.audited(func(cmd *cobra.Command, args []string) error {
			var c control.ClusterConfig
			for _, w := range args {
				switch {
				case w == "lock":
					c.Lock = true
				case w == "unlock":
					c.Unlock = true
				case c.File != "":
					return fmt.Errorf("unexpected %q after %s", w, filepath.Base(c.File))
				default:
					var err error
					if c.File, err = filepath.Abs(w); err != nil {
						return err
					}
				}
			}
			return a.applyCluster(cmd.Context(), control.PathCluster, c)
		}),
	}
}

func (a *App) applyCluster(ctx context.Context, path string, in any) error {
	var told control.ClusterApplied
	if err := a.askDaemon(ctx, path, in, &told); err != nil {
		return err
	}
	for _, w := range told.Warnings {
		fmt.Fprintf(a.Err, "Warning: %s\n", w)
	}
	return nil
}

func (a *App) clusterConfcheck() *cobra.Command {
	return &cobra.Command{
		Use:     "confcheck FILE",
		Short:   "Check a cluster configuration",
		Long:    `Check a cluster configuration file without applying it: every mistake is told with its line.`,
		Example: `  safekit cluster confcheck /tmp/cluster.xml`,
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("which file? see safekit cluster confcheck --help")
			}
			file, err := filepath.Abs(args[0])
			if err != nil {
				return err
			}
			return a.applyCluster(cmd.Context(), control.PathCluster, control.ClusterConfig{File: file, Check: true})
		},
	}
}

func (a *App) clusterConfinfo() *cobra.Command {
	return &cobra.Command{
		Use:   "confinfo",
		Short: "Show which cluster configuration each node has",
		Long: `Show the cluster configuration of each active node. In a working cluster all
signatures are the same. Lock 1 means that config is refused.`,
		Example: `  safekit cluster confinfo`,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			info, err := a.members(cmd.Context(), control.PathConfInfo)
			if err != nil {
				return err
			}
			t := newTable(a.Out)
			t.row("Node", "Signature", "Date", "Lock")
			for _, m := range info.Members {
				lock := "0"
				if m.Locked {
					lock = "1"
				}
				t.row(string(m.Node), m.Signature, m.Date.Local().Format(dateForm), lock)
			}
			return t.flush()
		},
	}
}

func (a *App) clusterState() *cobra.Command {
	return &cobra.Command{
		Use:   "state",
		Short: "Show which modules each node has",
		Long: `Show the configured modules of each active node with mode, id, date of the last
configuration and signature, which must be the same on both nodes of a module.`,
		Example: `  safekit cluster state`,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			info, err := a.members(cmd.Context(), control.PathNodes)
			if err != nil {
				return err
			}
			t := newTable(a.Out)
			t.row("Node", "Module", "Mode", "Id", "Date", "Signature")
			for _, n := range info.Members {
				for _, m := range n.Modules {
					t.row(string(n.Node), string(m.Name), m.Mode.String(), strconv.Itoa(m.ID), m.Date.Local().Format(dateForm), m.Signature)
				}
			}
			return t.flush()
		},
	}
}

// members asks who is there and tells on standard error who is not.
func (a *App) members(ctx context.Context, path string) (control.ConfInfo, error) {
	var info control.ConfInfo
	if err := a.askDaemon(ctx, path, control.None{}, &info); err != nil {
		return info, err
	}
	if len(info.Silent) > 0 {
		var names []string
		for _, n := range info.Silent {
			names = append(names, string(n))
		}
		fmt.Fprintf(a.Err, "Warning: not answering: %s\n", strings.Join(names, ", "))
	}
	return info, nil
}

func (a *App) clusterOperation(op, short, long string) *cobra.Command {
	return &cobra.Command{
		Use: op, Short: short, Long: long, Example: "  safekit cluster " + op, Args: noArgs,
		RunE: a.audited(func(cmd *cobra.Command, _ []string) error {
			return a.applyCluster(cmd.Context(), control.PathClusterX, control.ClusterOperation{Op: op})
		}),
	}
}

func (a *App) clusterCreate() *cobra.Command {
	return &cobra.Command{
		Use:   "create ADDRESS ADDRESS",
		Short: "Write a cluster configuration of two nodes",
		Long: `Write SAFEVAR/cluster/cluster.xml with one network and the nodes server0 and
server1 at the addresses. Apply it with safekit cluster config.`,
		Example: `  safekit cluster create 10.0.0.1 10.0.0.2 && safekit cluster config`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return errors.New("want the addresses of two nodes")
			}
			return nil
		},
		RunE: a.audited(func(cmd *cobra.Command, args []string) error {
			return a.applyCluster(cmd.Context(), control.PathClusterX, control.ClusterOperation{Op: "create", Addrs: args})
		}),
	}
}
