// Package resource is a module's table of resources: the local ones, which
// checkers, components and commands assign, and the peer's as of its last
// heartbeat. Each has its value, the date and the author of its last
// assignment; changes go to a bounded history, in memory and in a file.
//
// A Table is a plain value without locks or goroutines; one goroutine, the
// module's supervisor, owns it. Changes are returned to the caller, who logs
// and publishes them. Foreign input is bounded: values to MaxValue bytes, names
// to MaxName, each side to MaxCount resources.
//
// Source: reference pages states.md section 10, commands.md section 4.
package resource
