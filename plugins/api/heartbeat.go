package api

import (
	"context"
	"net/netip"
	"time"

	"github.com/safehold/safehold/runtime/ha"
)

// Link is one heartbeat network between the two nodes of a mirror module.
type Link struct {
	Ident   string         // resource heartbeat.<ident>
	Local   netip.AddrPort // bound here
	Peer    netip.AddrPort // pulses go there
	Pulse   time.Duration  // between two pulses
	Timeout time.Duration  // silence after which the link is down
}

// HeartbeatConfig is all a heartbeat needs. Links may change while running.
type HeartbeatConfig struct {
	Module ha.ModuleName
	Local  ha.NodeName
	Peer   ha.NodeName
	// Key encrypts and authenticates every datagram; 32 bytes, the same on both
	// nodes. Never logged.
	Key   []byte
	Links []Link
}

// MaxPayload bounds what Publish accepts, bytes: one datagram.
const MaxPayload = 32 << 10

// HeartbeatEventKind says what a HeartbeatEvent tells.
type HeartbeatEventKind uint8

// The events of a heartbeat.
const (
	// LinkUp: pulses of the peer arrive on Link.
	LinkUp HeartbeatEventKind = iota + 1
	// LinkDown: Link was silent for its timeout. A link starts down without an
	// event, and LinkDown is sent when its first timeout passes in silence.
	LinkDown
	// PeerPayload: the peer's payload changed, or the peer was heard again after
	// all links had been down.
	PeerPayload
)

// HeartbeatEvent is one thing the heartbeat saw.
type HeartbeatEvent struct {
	Kind    HeartbeatEventKind
	Link    string // ident, of LinkUp and LinkDown
	Payload []byte // of PeerPayload: the newest the peer published, never one from before a cut
}

// Heartbeat tells whether the other node is there. It holds no opinion on what
// follows from that. It must go on pulsing while its caller is busy or being
// replaced; it stops when the process ends.
type Heartbeat interface {
	Info(ctx context.Context) (Info, error)
	// Configure binds the links and starts listening and pulsing. A second call replaces the links.
	Configure(ctx context.Context, cfg HeartbeatConfig) error
	// Publish sets what each pulse carries from now on and sends it at once on
	// every link. At most MaxPayload bytes.
	Publish(ctx context.Context, payload []byte) error
	// Watch streams the events since Configure: first the state of each link as
	// events, then each change. One watcher at a time; a new one replaces the old.
	Watch(ctx context.Context) (<-chan HeartbeatEvent, error)
}
