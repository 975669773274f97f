package api

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// forward sends what a plugin's channel gives until the channel or the stream
// ends. The headers go first: they tell the caller that the plugin accepted.
func forward[E, M any](stream grpc.ServerStreamingServer[M], events <-chan E, convert func(E) *M) error {
	if err := stream.SendHeader(metadata.MD{}); err != nil {
		return err
	}
	for {
		select {
		case <-stream.Context().Done():
			return nil
		case e, ok := <-events:
			if !ok {
				return nil
			}
			if err := stream.Send(convert(e)); err != nil {
				return err
			}
		}
	}
}

// receive waits until the plugin accepted the stream and then turns it into a
// channel. A goroutine owns the channel and closes it when the stream ends: by
// ctx, by the plugin, by a newer stream, by the plugin's death, or at the first
// message that makes no sense.
func receive[E, M any](ctx context.Context, open func(context.Context) (grpc.ServerStreamingClient[M], error),
	convert func(*M) (E, error)) (<-chan E, error) {
	ctx, cancel := context.WithCancel(ctx)
	stream, err := open(ctx)
	if err == nil {
		err = accepted(stream)
	}
	if err != nil {
		err = fromStatus(ctx, err)
		cancel()
		return nil, err
	}
	events := make(chan E)
	go func() {
		defer close(events)
		defer cancel()
		for {
			m, err := stream.Recv()
			if err != nil {
				return
			}
			e, err := convert(m)
			if err != nil {
				return
			}
			select {
			case events <- e:
			case <-ctx.Done():
				return
			}
		}
	}()
	return events, nil
}

// accepted waits for the headers; a stream that ends without them was refused.
func accepted[M any](stream grpc.ServerStreamingClient[M]) error {
	header, err := stream.Header()
	if err != nil || header != nil {
		return err
	}
	_, err = stream.Recv()
	return err
}
