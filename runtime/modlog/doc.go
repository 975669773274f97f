// Package modlog is the log of a module, one line per message,
//
//	| 2026-01-31 12:00:00.000000 | heart | E | Local state ALONE Ready
//
// and the commands log of the node, which is written the same way. Any process
// may append to the same file: lines are written whole with O_APPEND, and the
// rotation is done by one of them under a lock. Appending never waits for the
// disk: lines go into a bounded buffer that one goroutine per Log empties; when
// the disk cannot follow, lines are lost, counted, and the count is logged.
// Close ends the goroutine after the last line is written.
//
// Reading (Tail, Follow) needs no Log and works from any process.
//
// Source: reference page services.md sections 6 to 8.
package modlog
