// Package checkers is the built-in checker plugin: tcp, ping and monitored
// processes of one module, in one process. Running the checks is package
// probe's; all monitored processes share one goroutine here.
package checkers

import (
	"github.com/safehold/safehold/plugins/api"
	"github.com/safehold/safehold/plugins/api/probe"
	"github.com/safehold/safehold/plugins/checkers/errd"
	"github.com/safehold/safehold/plugins/checkers/ping"
	"github.com/safehold/safehold/plugins/checkers/tcp"
)

// version is what Info tells.
const version = "1"

// New makes the plugin; nothing is checked before Run.
func New() api.Checker { return assemble(newPoller("/proc")) }

func assemble(procs *poller) *probe.Checker {
	return probe.New("checkers", version, map[string]probe.Kind{
		"tcp":  {Validate: tcp.Validate, Watch: probe.Every(tcp.Identity, tcp.Probe)},
		"ping": {Validate: ping.Validate, Watch: probe.Every(ping.Identity, ping.Probe)},
		"proc": {Validate: validateProc, Watch: procs.add},
	})
}

func validateProc(c api.Check) error {
	_, err := errd.Parse(c)
	return err
}

// Serve is the main of the plugin process.
func Serve() { api.ServeChecker(New()) }
