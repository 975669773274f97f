// Package supervisor is the actor of one configured module: it feeds the
// automaton with what happens and carries out what it answers. One process
// holds one Supervisor.
//
//	commands ──► socket ─┐                    ┌─► scripts
//	heartbeat plugin ────┤                    ├─► rfs plugin
//	rfs plugin ──────────┼─► inbox ─► loop ───┼─► heartbeat plugin (Publish)
//	checkers, scripts ───┤   automaton.Step   ├─► checkers
//	timers ──────────────┘                    └─► log, resources, durable facts
//
// The loop is one goroutine and owns every field that is not said to be
// otherwise; everything else posts functions to the inbox. While the module is
// stopped nothing runs but the loop and the socket. Plugins start when the
// module leaves STOP and end when it is back there.
//
// When Serve returns, the plugins are dead and the mounts are gone; daemons
// that module scripts left behind live on, by design.
package supervisor
