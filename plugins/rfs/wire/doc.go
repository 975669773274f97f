// Package wire is the language two replicators speak: frames, and the messages
// inside them, as pure marshal and unmarshal. It does no I/O beyond reading and
// writing a frame, keeps no state and starts no goroutine.
//
// It promises that foreign bytes are refused, never believed: an unknown version,
// type or operation, a length beyond the limits, trailing bytes or a wrong
// checksum give an error. docs/WIRE.md describes every frame.
package wire
