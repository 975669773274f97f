package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

// notYet are the commands of the reference that this release does not have
// (commands.md sections 2, 5 and 7).
var notYet = []struct{ name, instead string }{
	{"snapshot", "collect /var/safekit and safekit logsave by hand"},
	{"dump", "collect /var/safekit and safekit logsave by hand"},
	{"clean", "logs are rotated by themselves; forcestop and start clean a module up"},
	{"rfsverify", "a synchronisation ends with equal copies; second fullsync copies everything again"},
	{"rfsdiff", "safekit state shows the progress while the nodes synchronise"},
	{"rfssync", "prim fullsync and second fullsync ask for a full synchronisation"},
	{"notification", "the system journal has the same messages: journalctl -t safekit"},
	{"webserver", "the web service belongs to the daemon: systemctl restart safeadmin"},
	{"uninstall", "stop and deconfigure the modules, then remove the folders of safekit -p"},
}

// absent adds a command for each word that scripts may know, so that they get
// a plain answer.
func absent(root *cobra.Command) {
	for _, c := range notYet {
		root.AddCommand(&cobra.Command{
			Use: c.name, GroupID: groupNode, Hidden: true, DisableFlagParsing: true,
			Short:   "Not in this release",
			Long:    "This release does not have it: " + c.instead + ".",
			Example: "  safekit " + c.name,
			RunE: func(cmd *cobra.Command, _ []string) error {
				return fmt.Errorf("%s is not in this release: %s", cmd.Name(), c.instead)
			},
		})
	}
	root.AddCommand(&cobra.Command{
		Use: "safeagent", GroupID: groupNode, Hidden: true, DisableFlagParsing: true,
		Short:   "Obsolete",
		Long:    "SNMP is served by the system's own agent; the command does nothing.",
		Example: "  safekit safeagent",
		RunE: func(cmd *cobra.Command, _ []string) error {
			fmt.Fprintln(cmd.OutOrStdout(), "safeagent is obsolete: SNMP is served by the system's own agent.")
			return nil
		},
	})
}
