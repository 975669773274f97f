// Package safefmt reads and writes application module packages: the `.safe`
// files, which are archives holding conf/, bin/, web/ and little else.
//
// A package is foreign input to a root daemon, so it is read once, whole and
// into memory, within Limits; every rule of safe-package.md section 9 is
// judged on those bytes, and the same bytes are what ExtractTo writes. There
// is no moment at which an unverified byte lies on the disk, and a refused
// package leaves nothing behind.
//
//	Open/Read -> collect (names, kinds, budget) -> judge (content) -> *Package
//	ExtractTo -> temporary directory beside the target -> fsync -> rename
//	Pack      -> the same tree gives the same bytes
//
// Errors are *Error values that read "file: entry: cause". The package starts
// no goroutine and keeps no state; a *Package may be used from several
// goroutines at once, because nothing changes it after Open.
package safefmt
