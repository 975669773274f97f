package cli

import (
	"bytes"
	"testing"

	"github.com/spf13/cobra"
)

// TestEveryCommandExplainsItself walks the tree: nobody has to guess.
func TestEveryCommandExplainsItself(t *testing.T) {
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		if c.Short == "" || c.Long == "" || c.Example == "" {
			t.Errorf("%s: Short, Long or Example is missing", c.CommandPath())
		}
		if c.GroupID == "" && c.Parent() != nil && !c.Parent().HasParent() && !c.Hidden {
			t.Errorf("%s stands in no group of the help", c.CommandPath())
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(New().Root())
}

// TestEveryCommandHasHelp runs each with --help.
func TestEveryCommandHasHelp(t *testing.T) {
	for _, c := range New().Root().Commands() {
		if c.Hidden {
			continue
		}
		var out, errs bytes.Buffer
		a := New()
		a.Out, a.Err = &out, &errs
		if code := a.Run(t.Context(), []string{c.Name(), "--help"}); code != 0 || !bytes.Contains(out.Bytes(), []byte("Examples:")) {
			t.Errorf("safekit %s --help: exit %d\n%s%s", c.Name(), code, out.String(), errs.String())
		}
	}
}

// TestKnownVerbs holds the verbs of the reference (commands.md).
func TestKnownVerbs(t *testing.T) {
	root := New().Root()
	for _, verb := range []string{
		"start", "waitstart", "stop", "waitstop", "waitstate", "restart", "stopstart", "forcestop", "swap", "prim", "second",
		"primforce", "secondforce", "update", "get", "set", "errd", "checker", "failover", "boot", "kill", "incloop",
		"resetloop", "checkloop", "state", "log", "logview", "logsave", "printi", "printe", "printw", "rfsverify", "rfsdiff",
		"rfssync", "module", "config", "confcheck", "confinfo", "deconfig", "cluster", "snapshot", "dump", "clean", "level",
		"shutdown", "webserver", "webservercfg", "notification", "cmdlog", "uninstall", "safeagent",
	} {
		if c, _, err := root.Find([]string{verb}); err != nil || c.Name() != verb {
			t.Errorf("no command %s", verb)
		}
	}
}
