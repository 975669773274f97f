// Package userconfig reads, checks and edits userconfig.xml, the configuration
// of one module.
//
// Parse turns the bytes of a file into a frozen Config: macros and environment
// expanded, legacy forms translated, defaults filled in, checkers of virtual
// addresses generated. It reports every mistake of the file at once, each with
// its file and line. WriteSafeconf prints that Config as safeconf.xml, which
// scripts query by XPath and ParseSafeconf reads back. Diff tells what changed
// between two of them and whether it may change while the module runs. The
// edits (SetMacro, SetAttr) replace a few bytes of the original file and leave
// its comments, order, blanks, quotes and encoding alone.
//
// The package is pure: no clock, no network, no files, no goroutines. What it
// must know about the world (cluster, paths, executables, addresses) comes in
// through Env. Input is bounded: 1 MiB of file, 32 levels of elements, no
// entity declarations, 4 MiB of expanded text, 100 reported errors.
//
// Source: reference pages userconfig-xml.md (syntax and error table),
// failover-rules.md sections 3, 8 and 11 (sections and generated rules).
package userconfig
