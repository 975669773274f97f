// Package proc starts child processes and ends them surely.
//
// A child gets a session and process group of its own, only the descriptors it
// was given, and dies by TERM, then KILL, of its whole group. Its end is the end
// of the process, not of its output: a daemon that a script leaves behind may
// keep the output open without holding anybody up, and lives on.
//
//	Start ──> running ──(exits)──────────────────────────> Wait returns
//	             │ Stop, Deadline, ctx of Run
//	             └──> TERM to the group ──(Grace)──> KILL to the group ──^
//
// Each Process owns one goroutine (and its thread) until the child is reaped,
// and one per copied output until that output ends.
package proc
