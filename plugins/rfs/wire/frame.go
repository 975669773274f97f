package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/cespare/xxhash/v2"
)

// Version is the version of the protocol. Both sides must speak the same.
const Version = 1

// HeaderSize is the size of a frame's header in bytes.
const HeaderSize = 32

// MaxPayload bounds a frame's payload in bytes. Foreign lengths beyond it are
// refused before any memory is taken.
const MaxPayload = 16 << 20

// magic opens every frame.
const magic = 0x4653 // "SF"

// Type says what a frame carries.
type Type uint8

// The frame types. P: sent by the primary, S: by the secondary. Ordered frames
// carry a sequence number and are acknowledged in order.
const (
	// TypeHello (S) opens a session; JSON Hello.
	TypeHello Type = iota + 1
	// TypeWelcome (P) answers it; JSON Welcome.
	TypeWelcome
	// TypeRefuse (P, S) ends a session; JSON Refuse.
	TypeRefuse
	// TypeGoodbye (P, S) ends a session after everything was acknowledged.
	TypeGoodbye
	// TypePing (P) and TypePong (S) keep a session alive.
	TypePing
	TypePong
	// TypeAck (S): every ordered frame up to the header's Seq was taken over.
	TypeAck
	// TypeReply (S) answers the call numbered Seq.
	TypeReply
	// TypeChange (P), ordered: one Change of the tree.
	TypeChange
	// TypeWrite (P), ordered: Write, the new bytes of a range.
	TypeWrite
	// TypeList (P), a call: List, answered by Listing.
	TypeList
	// TypeHash (P), a call: Hash, answered by HashReply.
	TypeHash
	// TypeDelete (P), a call: JSON DeletePlan, answered by JSON Answer.
	TypeDelete
	// TypeStable (P), a call: everything before it is on disk when answered.
	TypeStable
	// TypeSyncBegin (P), a call: JSON SyncBegin, answered by JSON Answer.
	TypeSyncBegin
	// TypeSyncEnd (P), a call: JSON SyncEnd, answered by JSON Answer.
	TypeSyncEnd
	// TypeStats (P): JSON Stats, progress for display.
	TypeStats
	// TypeTune (P): JSON Tune, how to acknowledge from here on.
	TypeTune
	typeEnd
)

var typeNames = [...]string{"", "hello", "welcome", "refuse", "goodbye", "ping", "pong", "ack", "reply", "change", "write",
	"list", "hash", "delete", "stable", "sync-begin", "sync-end", "stats", "tune"}

// String gives the type's name for logs.
func (t Type) String() string {
	if t == 0 || t >= typeEnd {
		return fmt.Sprintf("type %d", uint8(t))
	}
	return typeNames[t]
}

// Header is what precedes every payload.
type Header struct {
	Type  Type
	Epoch uint64 // of the sender's assignment
	Seq   uint64 // of ordered frames and calls; of the request in TypeAck and TypeReply
}

// ErrFrame is wrapped by every error about a frame that cannot be believed.
var ErrFrame = errors.New("bad frame")

// Encode writes the header of a frame whose payload is body followed by data.
func Encode(dst *[HeaderSize]byte, h Header, body, data []byte) {
	b := dst[:]
	binary.LittleEndian.PutUint16(b, magic)
	b[2], b[3] = Version, byte(h.Type)
	binary.LittleEndian.PutUint32(b[4:], uint32(len(body)+len(data)))
	binary.LittleEndian.PutUint64(b[8:], h.Epoch)
	binary.LittleEndian.PutUint64(b[16:], h.Seq)
	binary.LittleEndian.PutUint64(b[24:], sum(b[:24], body, data))
}

// Read reads one frame. The payload is appended to buf[:0] when it fits there.
func Read(r io.Reader, buf []byte) (Header, []byte, error) {
	var b [HeaderSize]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return Header{}, nil, fmt.Errorf("read frame: %w", err)
	}
	h, n, err := decodeHeader(b[:])
	if err != nil {
		return h, nil, err
	}
	if cap(buf) < n {
		buf = make([]byte, n)
	}
	buf = buf[:n]
	if _, err := io.ReadFull(r, buf); err != nil {
		return h, nil, fmt.Errorf("read frame: %w", err)
	}
	if binary.LittleEndian.Uint64(b[24:]) != sum(b[:24], buf, nil) {
		return h, nil, fmt.Errorf("%w: checksum of %s differs", ErrFrame, h.Type)
	}
	return h, buf, nil
}

func decodeHeader(b []byte) (Header, int, error) {
	h := Header{Type(b[3]), binary.LittleEndian.Uint64(b[8:]), binary.LittleEndian.Uint64(b[16:])}
	n := binary.LittleEndian.Uint32(b[4:])
	switch {
	case binary.LittleEndian.Uint16(b) != magic:
		return h, 0, fmt.Errorf("%w: not a replication frame", ErrFrame)
	case b[2] != Version:
		return h, 0, fmt.Errorf("%w: protocol version %d, this node speaks %d: install the same release on both nodes", ErrFrame, b[2], Version)
	case h.Type == 0 || h.Type >= typeEnd:
		return h, 0, fmt.Errorf("%w: unknown type %d", ErrFrame, b[3])
	case n > MaxPayload:
		return h, 0, fmt.Errorf("%w: payload of %d bytes is over the limit of %d", ErrFrame, n, MaxPayload)
	}
	return h, int(n), nil
}

func sum(parts ...[]byte) uint64 {
	d := xxhash.New()
	for _, p := range parts {
		_, _ = d.Write(p)
	}
	return d.Sum64()
}
