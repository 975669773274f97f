// Package script runs the scripts of a module: environment, working folder,
// time limits, and the ulog file that keeps what a script prints
// (scripts.md sections 2-6).
//
// A script writes straight into its ulog file, so that a daemon it leaves
// behind lives on when the supervisor does not. Runner keeps these files
// bounded. One script of a module runs at a time; the automaton sees to that.
package script
