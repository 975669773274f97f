package api

import (
	"context"

	"google.golang.org/grpc"

	pb "github.com/safehold/safehold/plugins/api/proto"
)

// checkerClient is a Checker in another process.
type checkerClient struct{ c pb.CheckerClient }

func (k checkerClient) Info(ctx context.Context) (Info, error) {
	m, err := k.c.GetInfo(ctx, &pb.Empty{})
	return infoFromPB(m), fromStatus(ctx, err)
}

func (k checkerClient) Kinds(ctx context.Context) ([]string, error) {
	m, err := k.c.Kinds(ctx, &pb.Empty{})
	return m.GetKinds(), fromStatus(ctx, err)
}

func (k checkerClient) Validate(ctx context.Context, c Check) error {
	_, err := k.c.Validate(ctx, checkPB(c))
	return fromStatus(ctx, err)
}

func (k checkerClient) Run(ctx context.Context, checks []Check) (<-chan Result, error) {
	return receive(ctx, func(ctx context.Context) (grpc.ServerStreamingClient[pb.CheckResult], error) {
		return k.c.Run(ctx, &pb.Checks{Checks: mapped(checks, checkPB)})
	}, resultFromPB)
}

// checkerServer offers a Checker to the core.
type checkerServer struct {
	pb.UnimplementedCheckerServer
	impl Checker
}

func (s checkerServer) GetInfo(ctx context.Context, _ *pb.Empty) (*pb.Info, error) {
	i, err := s.impl.Info(ctx)
	return infoPB(i), toStatus(err)
}

func (s checkerServer) Kinds(ctx context.Context, _ *pb.Empty) (*pb.CheckKinds, error) {
	kinds, err := s.impl.Kinds(ctx)
	return &pb.CheckKinds{Kinds: kinds}, toStatus(err)
}

func (s checkerServer) Validate(ctx context.Context, m *pb.Check) (*pb.Empty, error) {
	return &pb.Empty{}, toStatus(s.impl.Validate(ctx, checkFromPB(m)))
}

func (s checkerServer) Run(m *pb.Checks, stream grpc.ServerStreamingServer[pb.CheckResult]) error {
	results, err := s.impl.Run(stream.Context(), mapped(m.GetChecks(), checkFromPB))
	if err != nil {
		return toStatus(err)
	}
	return forward(stream, results, resultPB)
}
