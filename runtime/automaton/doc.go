// Package automaton is the state machine of one running module: mirror, farm
// or light. Events go in, a list of effects comes out. There is no clock,
// goroutine, file or socket inside, so the same code runs in the supervisor
// and in the simulator.
//
// # Duties of the caller
//
//  1. One Machine per module process. Call Step from one goroutine only, with a
//     time that never goes back: the boot clock, which also counts suspension.
//  2. Carry out the effects of one Step in order. An effect may be started
//     without waiting for its end, except Persist: the facts are on disk
//     (synced) before any effect after it is begun. When that fails, stop the
//     process: the machine's promises are void.
//  3. RunScript, Assign and Detach carry a Seq. Answer each exactly once, with
//     ScriptDone or DataDone. A script that does not exist is answered at once
//     with exit 0. A script that outlives its limit (scripts.md section 5) is
//     killed by the caller, and answered. KillScript is followed by the
//     ScriptDone of the script it killed. The replicator being dead is an
//     answer too: DataDone with an error.
//  4. Arm names the time of the next Tick wanted; only the newest Arm counts.
//     A Tick earlier or more often does no harm. A Step that is late by more
//     than half of Config.HoldLimit is taken for a frozen node.
//  5. New starts in STOP with no replicator, every link unknown and no verdict.
//     Send DataBack once the replicator is configured (it is idle), then every
//     data event; DataGone when its process died.
//  6. Send Link for the first known state of every heartbeat of Config.Links
//     after each start from STOP, and on each change. Send Heard for each
//     payload of the peer that changed, and again when the peer is heard after
//     all links were down. Heartbeats run from leaving STOP to reaching it.
//  7. Publish replaces what every pulse carries and is sent at once.
//  8. While the role is WAIT, pass on the verdict of the failover machine after
//     each of its evaluations: Gate, VerbWait (hold) or VerbWakeup. Nothing
//     starts before the first VerbWakeup of each start. In other states pass
//     on a verdict when it is to be executed. In STOP send none. Leave the
//     component rules (rfs_notuptodate_server, degraded_server,
//     heart_flow_wait) out of that failover machine: they are decided here.
//  9. Command returns through Refused effects what was refused; a command with
//     no Refused effect in its Step was accepted. Who is what the log shows;
//     the machine writes the "Action …" lines of commands itself.
//  10. Log lines are written as given, in order. Lines "Script …" belong to the
//     script runner, which writes one for each RunScript.
//  11. Reconfigured replaces the configuration while running; name, mode and
//     nodes of the module cannot change.
//  12. Boot commands are ordinary commands with Boot set; whether to start at
//     boot is decided by the caller.
//  13. When the role changes to STOP, the replicator is idle and the scripts are
//     done; the caller may end plugins and the process after the effects.
//
// # Promises
//
// Only legal pairs of state and status occur. A node without up-to-date data
// becomes primary only by prim or primforce. Writes of a new generation are
// released only after the peer knows, or had every chance to know, that it is
// behind. See docs/STATES.md for the reaction of each state to each event.
//
// Source: reference pages states.md, scripts.md, log-messages.md,
// failover-rules.md sections 7 to 10; design sections 1 and 5.
package automaton
