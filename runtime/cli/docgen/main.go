// Command docgen writes docs/COMMANDS.md and the manual pages in docs/man from
// the command tree. It is run by go generate in runtime/cli; the output has no
// dates, so that it changes only with the commands.
package main

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/safehold/safehold/runtime/cli"
)

func main() {
	log.SetFlags(0)
	if err := generate(filepath.Join("..", "..", "docs")); err != nil {
		log.Fatal(err)
	}
}

// generate writes the pages below docs and removes those of commands that are
// no more.
func generate(docs string) error {
	man := filepath.Join(docs, "man")
	old, err := filepath.Glob(filepath.Join(man, "safekit*.1"))
	if err != nil {
		return err
	}
	for _, page := range old {
		if err := os.Remove(page); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(man, 0o755); err != nil {
		return err
	}
	root := cli.New().Root()
	root.InitDefaultHelpFlag()
	var text bytes.Buffer
	commandsPage(&text, root)
	if err := os.WriteFile(filepath.Join(docs, "COMMANDS.md"), text.Bytes(), 0o644); err != nil {
		return err
	}
	return eachShown(root, func(cmd *cobra.Command) error { return manPage(man, cmd) })
}

// eachShown visits the commands that help shows, parents first.
func eachShown(cmd *cobra.Command, visit func(*cobra.Command) error) error {
	if err := visit(cmd); err != nil {
		return err
	}
	for _, sub := range cmd.Commands() {
		if sub.Hidden || sub.Name() == "help" {
			continue
		}
		if err := eachShown(sub, visit); err != nil {
			return err
		}
	}
	return nil
}

var titleDate = regexp.MustCompile(`(?m)^(\.TH "[^"]*" "1") "[^"]*"`)

// manPage writes one page in section 1, without its date.
func manPage(dir string, cmd *cobra.Command) error {
	cmd.DisableAutoGenTag = true
	var text bytes.Buffer
	header := &doc.GenManHeader{Section: "1", Source: "Safehold", Manual: "Safehold commands"}
	if err := doc.GenMan(cmd, header, &text); err != nil {
		return fmt.Errorf("manual page of %s: %w", cmd.CommandPath(), err)
	}
	page := titleDate.ReplaceAll(text.Bytes(), []byte(`$1 ""`))
	name := strings.ReplaceAll(cmd.CommandPath(), " ", "-") + ".1"
	return os.WriteFile(filepath.Join(dir, name), page, 0o644)
}

// commandsPage writes the page of all commands.
func commandsPage(w io.Writer, root *cobra.Command) {
	fmt.Fprintf(w, "# Commands\n\n<!-- Written by go generate ./runtime/cli: change the commands instead. -->\n\n%s\n\n", root.Long)
	fmt.Fprint(w, `Options may stand anywhere behind the command. -m AM may be left out where the
environment variable SAFEMODULE names the module, as in its scripts. A command
exits with 0 for success and 1 for failure unless its text says otherwise;
mistakes are lines "Error: …" on standard error.

`)
	for _, group := range root.Groups() {
		fmt.Fprintf(w, "## %s\n\n", strings.TrimSuffix(group.Title, ":"))
		fmt.Fprint(w, "| Command | |\n|---|---|\n")
		of := func(visit func(*cobra.Command)) {
			for _, cmd := range root.Commands() {
				if cmd.GroupID == group.ID {
					_ = eachShown(cmd, func(c *cobra.Command) error { visit(c); return nil })
				}
			}
		}
		of(func(c *cobra.Command) {
			fmt.Fprintf(w, "| [%s](#%s) | %s |\n", path(c), strings.ReplaceAll(path(c), " ", "-"), c.Short)
		})
		fmt.Fprintln(w)
		of(func(c *cobra.Command) { section(w, c) })
	}
}

// path is the command without the program's name.
func path(c *cobra.Command) string { return strings.TrimPrefix(c.CommandPath(), "safekit ") }

func section(w io.Writer, c *cobra.Command) {
	fmt.Fprintf(w, "### %s\n\n    %s\n\n%s\n\n", path(c), c.UseLine(), c.Long)
	if flags := c.NonInheritedFlags().FlagUsages(); flags != "" {
		fmt.Fprintf(w, "```\n%s```\n\n", flags)
	}
	fmt.Fprintf(w, "```sh\n%s\n```\n\n", dedent(c.Example))
}

func dedent(s string) string {
	lines := strings.Split(strings.TrimRight(s, "\n"), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimPrefix(l, "  ")
	}
	return strings.Join(lines, "\n")
}
