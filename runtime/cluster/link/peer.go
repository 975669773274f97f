package link

import (
	"context"

	"github.com/safehold/safehold/runtime/ha"
)

// Peer is who sent a request.
type Peer struct {
	// Node is the peer's name in the cluster, proved by its certificate. It is
	// empty when the request was allowed by the password instead.
	Node ha.NodeName
}

type peerKey struct{}

// PeerOf gives the authenticated sender of a request that came over the link;
// ok is false for requests that came another way.
func PeerOf(ctx context.Context) (p Peer, ok bool) {
	p, ok = ctx.Value(peerKey{}).(Peer)
	return p, ok
}

func withPeer(ctx context.Context, p Peer) context.Context {
	return context.WithValue(ctx, peerKey{}, p)
}
