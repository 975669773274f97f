package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/safehold/safehold/plugins/api"
	"github.com/safehold/safehold/plugins/checkers"
	"github.com/safehold/safehold/plugins/heartbeat"
	"github.com/safehold/safehold/plugins/rfs"
)

// Memory limits of the small processes, bytes: the collector works harder near
// them, and they stop nothing.
const (
	pluginMemory     = 32 << 20
	supervisorMemory = 48 << 20
)

// servePlugin runs a built-in plugin until its supervisor ends it.
func servePlugin(name string) int {
	log := api.NewLogger(name)
	switch name {
	case "heartbeat":
		frugal(pluginMemory)
		heartbeat.Serve()
	case "checkers":
		frugal(pluginMemory)
		api.ServeChecker(checkers.New())
	case "rfs":
		api.ServeReplicator(rfs.New(log))
	default:
		fmt.Fprintf(os.Stderr, "Error: there is no built-in plugin %q\n", name)
		return 1
	}
	return 0
}

// frugal keeps a process small that is one of a hundred: little memory, and one
// processor, so that each of its few wake-ups does not wake a second thread to
// look for work. A blocked system call does not hold the processor.
func frugal(limit int64) {
	runtime.GOMAXPROCS(1)
	debug.SetGCPercent(50)
	debug.SetMemoryLimit(limit)
}
