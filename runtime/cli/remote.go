package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/safehold/safehold/runtime/control"
	"github.com/safehold/safehold/runtime/ha"
	"github.com/safehold/safehold/runtime/module"
)

func (a *App) remote() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "remote (safekit -H SERVERS COMMAND | -H SERVERS -E AM | -H SERVERS -G)",
		Short: "Run a command on several nodes (safekit -H)",
		Long: `Run a command on other nodes; the known form is safekit -H SERVERS COMMAND.
SERVERS is "*" for every node of the cluster, or a list of nodes, addresses or
URLs separated by commas, with an optional [protocol:port] in front. -E AM packs
module AM of this node, installs it on the servers with the same id and
configures it. -G copies the cluster configuration of this node to all nodes. The
exit code is 0 when every server succeeded.`,
		Example: `  safekit -H "*" state -m AM
  safekit -H "node1,node2" stop -m AM
  safekit -H "*" -E AM
  safekit -H "*" -G`,
	}
	servers := cmd.Flags().String("servers", "", "the `servers`")
	deploy := cmd.Flags().String("deploy", "", "install and configure this `module` there (-E)")
	spread := cmd.Flags().Bool("cluster", false, "copy the cluster configuration there (-G)")
	run := func(cmd *cobra.Command, args []string) error {
		req := control.Remote{Servers: *servers, Args: args, Deploy: ha.ModuleName(*deploy), Cluster: *spread}
		switch {
		case req.Servers == "":
			return errors.New("which servers? safekit -H \"*\" COMMAND")
		case *spread || *deploy != "":
			if len(args) > 0 {
				return fmt.Errorf("unexpected %q", args[0])
			}
		case len(args) == 0:
			return errors.New("which command?")
		}
		if req.Deploy != "" {
			if _, err := module.ParseName(*deploy); err != nil {
				return err
			}
		}
		var out control.RemoteResults
		if err := a.askDaemon(cmd.Context(), control.PathRemote, req, &out); err != nil {
			return err
		}
		return a.showResults(out.Results)
	}
	audited := a.audited(run)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if *spread || *deploy != "" {
			return audited(cmd, args)
		}
		return run(cmd, args) // each server records what it runs
	}
	return cmd
}

// showResults frames each server's answer (log-messages.md section 11).
func (a *App) showResults(results []control.RemoteResult) error {
	var failed error
	for _, r := range results {
		fmt.Fprintf(a.Out, "---------------- Server=%s ----------------\nadmin action=exec\n", r.Server)
		fmt.Fprint(a.Out, r.Output)
		if r.Output != "" && !strings.HasSuffix(r.Output, "\n") {
			fmt.Fprintln(a.Out)
		}
		switch {
		case r.Err != "":
			fmt.Fprintf(a.Out, "Error: %s\nFailure\n", r.Err)
			failed = exitError(1)
		case r.Exit != 0:
			fmt.Fprintln(a.Out, "Failure")
			failed = exitError(1)
		default:
			fmt.Fprintln(a.Out, "Success")
		}
	}
	return failed
}
