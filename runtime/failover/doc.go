// Package failover is the failover machine: it composes the rules of a module
// (Set), tells from the resources which rule holds, for how long, and which
// action follows (Machine), and counts automatic actions against maxloop (Loop).
//
// It is pure: time is logical and arrives as an argument, nothing blocks, no
// goroutine is started. A Set never changes after NewSet and may be shared; a
// Machine belongs to one goroutine, the module's supervisor.
//
//	resources ─┐
//	roles ─────┼─> View ─> Machine.Tick(now) ─> Verdict: hold, wake up, do, assign
//	Set ───────┘
//
// The caller ticks every Set.Period from the module's start, and in WAIT also
// at once after a resource changed; it asks Loop before it executes a verdict
// with Counted set.
//
// Source: reference page failover-rules.md sections 7 to 10.
package failover
