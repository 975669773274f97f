// Command safekit is the product's one binary: the command line, and behind the
// verbs daemon, supervise and plugin the processes of a node (docs/ARCHITECTURE.md).
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/safehold/safehold/runtime/cli"
)

func main() { os.Exit(run(filepath.Base(os.Args[0]), os.Args[1:])) }

func run(name string, args []string) int {
	if len(args) == 2 && args[0] == "plugin" {
		return servePlugin(args[1])
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	switch {
	case len(args) == 1 && args[0] == "daemon":
		return told(serveDaemon(ctx))
	case len(args) == 2 && args[0] == "supervise":
		return told(supervise(ctx, stop, args[1]))
	case len(args) > 0 && (args[0] == "daemon" || args[0] == "supervise" || args[0] == "plugin"):
		return told(errors.New("the daemon's own verbs are: safekit daemon, safekit supervise AM, safekit plugin heartbeat|rfs|checkers"))
	}
	app := cli.New()
	if exit, ok := app.RunTool(ctx, name, args); ok {
		return exit
	}
	if cli.Linked(name) {
		args = append([]string{name}, args...)
	}
	return app.Run(ctx, args)
}

func told(err error) int {
	if err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		return 1
	}
	return 0
}
