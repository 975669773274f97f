// Package store keeps small durable facts: one JSON value per file, replaced
// as a whole. After Save returns the value survives a power cut; a crash at any
// moment leaves either the old value or the new one. Each file carries a
// checksum, so that a torn or damaged file is reported instead of believed, and
// the value before the last Save stays beside it with the suffix .bak.
//
//	safehold-store 1 <sha256 of the rest> <length of the rest>
//	{ … }
//
// A File holds no state and starts no goroutine. Any process may Load at any
// time; those that Save the same file take turns by a lock of their own.
package store
