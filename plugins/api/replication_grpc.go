package api

import (
	"context"

	"google.golang.org/grpc"

	pb "github.com/safehold/safehold/plugins/api/proto"
	"github.com/safehold/safehold/runtime/ha"
)

// replicatorClient is a Replicator in another process.
type replicatorClient struct{ c pb.ReplicationClient }

func (r replicatorClient) Info(ctx context.Context) (Info, error) {
	m, err := r.c.GetInfo(ctx, &pb.Empty{})
	return infoFromPB(m), fromStatus(ctx, err)
}

func (r replicatorClient) Configure(ctx context.Context, cfg ReplicationConfig) error {
	_, err := r.c.Configure(ctx, replicationConfigPB(cfg))
	return fromStatus(ctx, err)
}

func (r replicatorClient) Facts(ctx context.Context) (DataFacts, error) {
	m, err := r.c.Facts(ctx, &pb.Empty{})
	if err != nil {
		return DataFacts{}, fromStatus(ctx, err)
	}
	return factsFromPB(m)
}

func (r replicatorClient) Assign(ctx context.Context, a Assignment) error {
	_, err := r.c.Assign(ctx, assignmentPB(a))
	return fromStatus(ctx, err)
}

func (r replicatorClient) Detach(ctx context.Context, g ha.Generation) error {
	_, err := r.c.Detach(ctx, generationPB(g))
	return fromStatus(ctx, err)
}

func (r replicatorClient) Tune(ctx context.Context, t ReplicationTuning) error {
	_, err := r.c.Tune(ctx, tuningPB(t))
	return fromStatus(ctx, err)
}

func (r replicatorClient) Watch(ctx context.Context) (<-chan DataEvent, error) {
	return receive(ctx, func(ctx context.Context) (grpc.ServerStreamingClient[pb.DataEvent], error) {
		return r.c.Watch(ctx, &pb.Empty{})
	}, dataEventFromPB)
}

// replicatorServer offers a Replicator to the core.
type replicatorServer struct {
	pb.UnimplementedReplicationServer
	impl Replicator
}

func (s replicatorServer) GetInfo(ctx context.Context, _ *pb.Empty) (*pb.Info, error) {
	i, err := s.impl.Info(ctx)
	return infoPB(i), toStatus(err)
}

func (s replicatorServer) Configure(ctx context.Context, m *pb.ReplicationConfig) (*pb.Empty, error) {
	return &pb.Empty{}, toStatus(s.impl.Configure(ctx, replicationConfigFromPB(m)))
}

func (s replicatorServer) Facts(ctx context.Context, _ *pb.Empty) (*pb.DataFacts, error) {
	f, err := s.impl.Facts(ctx)
	return factsPB(f), toStatus(err)
}

func (s replicatorServer) Assign(ctx context.Context, m *pb.Assignment) (*pb.Empty, error) {
	a, err := assignmentFromPB(m)
	if err == nil {
		err = s.impl.Assign(ctx, a)
	}
	return &pb.Empty{}, toStatus(err)
}

func (s replicatorServer) Detach(ctx context.Context, m *pb.Generation) (*pb.Empty, error) {
	g, err := generationFromPB(m)
	if err == nil {
		err = s.impl.Detach(ctx, g)
	}
	return &pb.Empty{}, toStatus(err)
}

func (s replicatorServer) Tune(ctx context.Context, m *pb.ReplicationTuning) (*pb.Empty, error) {
	return &pb.Empty{}, toStatus(s.impl.Tune(ctx, tuningFromPB(m)))
}

func (s replicatorServer) Watch(_ *pb.Empty, stream grpc.ServerStreamingServer[pb.DataEvent]) error {
	events, err := s.impl.Watch(stream.Context())
	if err != nil {
		return toStatus(err)
	}
	return forward(stream, events, dataEventPB)
}
