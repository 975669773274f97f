package fuse

import "encoding/binary"

// The protocol is spoken in the byte order of the host.

func getU16(b []byte, off int) uint16 { return binary.NativeEndian.Uint16(b[off:]) }
func getU32(b []byte, off int) uint32 { return binary.NativeEndian.Uint32(b[off:]) }
func getU64(b []byte, off int) uint64 { return binary.NativeEndian.Uint64(b[off:]) }

func putU16(b []byte, off int, v uint16) { binary.NativeEndian.PutUint16(b[off:], v) }
func putU32(b []byte, off int, v uint32) { binary.NativeEndian.PutUint32(b[off:], v) }
func putU64(b []byte, off int, v uint64) { binary.NativeEndian.PutUint64(b[off:], v) }
