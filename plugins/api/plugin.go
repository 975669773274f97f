package api

import (
	"context"

	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	pb "github.com/safehold/safehold/plugins/api/proto"
)

// Handshake is what both sides must show before they talk. The cookie keeps a
// person from starting a plugin by hand; it is no secret. The secret is the
// one-time certificate each side makes for itself (AutoMTLS).
func Handshake() goplugin.HandshakeConfig {
	return goplugin.HandshakeConfig{
		MagicCookieKey:   "SAFEHOLD_PLUGIN",
		MagicCookieValue: "6d1f0cc5a2f3492f8f6f4d2a0f7f8a55",
	}
}

// PluginSets gives the versions of one kind that the core understands. After
// Dispense(string(kind)) the value is a Heartbeat, Replicator or Checker.
func PluginSets(kind Kind) map[int]goplugin.PluginSet {
	return map[int]goplugin.PluginSet{ProtocolVersion: Served(kind, nil)}
}

// Served is the plugin set of an implementation, for tests that connect both
// sides within one process. impl is a Heartbeat, Replicator or Checker.
func Served(kind Kind, impl any) goplugin.PluginSet {
	return goplugin.PluginSet{string(kind): glue{kind: kind, impl: impl}}
}

// glue ties one kind to its client and server; impl is nil on the core's side.
type glue struct {
	goplugin.NetRPCUnsupportedPlugin
	kind Kind
	impl any
}

// GRPCServer offers the implementation. It is go-plugin's, for the plugin's side.
func (g glue) GRPCServer(_ *goplugin.GRPCBroker, s *grpc.Server) error {
	switch impl := g.impl.(type) {
	case Heartbeat:
		pb.RegisterHeartbeatServer(s, heartbeatServer{impl: impl})
	case Replicator:
		pb.RegisterReplicationServer(s, replicatorServer{impl: impl})
	case Checker:
		pb.RegisterCheckerServer(s, checkerServer{impl: impl})
	}
	return nil
}

// GRPCClient gives the typed client. It is go-plugin's, for the core's side.
func (g glue) GRPCClient(_ context.Context, _ *goplugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	switch g.kind {
	case KindHeartbeat:
		return Heartbeat(heartbeatClient{pb.NewHeartbeatClient(conn)}), nil
	case KindReplication:
		return Replicator(replicatorClient{pb.NewReplicationClient(conn)}), nil
	case KindChecker:
		return Checker(checkerClient{pb.NewCheckerClient(conn)}), nil
	default:
		return nil, ErrUnsupported
	}
}
