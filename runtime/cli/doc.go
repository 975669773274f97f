// Package cli is the safekit command (commands.md). Each command has a file of
// its own; Root builds them all and Run executes one.
//
// Commands about a running module go straight to the module's supervisor, so
// that scripts and checkers work while the daemon is being replaced; the daemon
// is asked only to start a supervisor that is not there, and for what concerns
// the node or the other nodes. Installing and configuring modules is done in
// the command's own process, so that output and environment are the caller's.
//
// A command prints results on standard output, and each mistake as one line
// "Error: …" on standard error. It exits 0 for success and 1 for failure,
// except where its help says otherwise.
package cli

//go:generate go run ./docgen
