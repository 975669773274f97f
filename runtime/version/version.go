// Package version tells which release this is.
package version

// Version is set by the linker from the file VERSION.
var Version = "development"
