package api

import (
	"context"

	"google.golang.org/grpc"

	pb "github.com/safehold/safehold/plugins/api/proto"
)

// heartbeatClient is a Heartbeat in another process.
type heartbeatClient struct{ c pb.HeartbeatClient }

func (h heartbeatClient) Info(ctx context.Context) (Info, error) {
	m, err := h.c.GetInfo(ctx, &pb.Empty{})
	return infoFromPB(m), fromStatus(ctx, err)
}

func (h heartbeatClient) Configure(ctx context.Context, cfg HeartbeatConfig) error {
	_, err := h.c.Configure(ctx, heartbeatConfigPB(cfg))
	return fromStatus(ctx, err)
}

func (h heartbeatClient) Publish(ctx context.Context, payload []byte) error {
	_, err := h.c.Publish(ctx, &pb.HeartbeatPayload{Payload: payload})
	return fromStatus(ctx, err)
}

func (h heartbeatClient) Watch(ctx context.Context) (<-chan HeartbeatEvent, error) {
	return receive(ctx, func(ctx context.Context) (grpc.ServerStreamingClient[pb.HeartbeatEvent], error) {
		return h.c.Watch(ctx, &pb.Empty{})
	}, heartbeatEventFromPB)
}

// heartbeatServer offers a Heartbeat to the core.
type heartbeatServer struct {
	pb.UnimplementedHeartbeatServer
	impl Heartbeat
}

func (s heartbeatServer) GetInfo(ctx context.Context, _ *pb.Empty) (*pb.Info, error) {
	i, err := s.impl.Info(ctx)
	return infoPB(i), toStatus(err)
}

func (s heartbeatServer) Configure(ctx context.Context, m *pb.HeartbeatConfig) (*pb.Empty, error) {
	cfg, err := heartbeatConfigFromPB(m)
	if err == nil {
		err = s.impl.Configure(ctx, cfg)
	}
	return &pb.Empty{}, toStatus(err)
}

func (s heartbeatServer) Publish(ctx context.Context, m *pb.HeartbeatPayload) (*pb.Empty, error) {
	return &pb.Empty{}, toStatus(s.impl.Publish(ctx, m.GetPayload()))
}

func (s heartbeatServer) Watch(_ *pb.Empty, stream grpc.ServerStreamingServer[pb.HeartbeatEvent]) error {
	events, err := s.impl.Watch(stream.Context())
	if err != nil {
		return toStatus(err)
	}
	return forward(stream, events, heartbeatEventPB)
}
