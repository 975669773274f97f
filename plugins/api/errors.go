package api

import (
	"context"
	"errors"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/safehold/safehold/plugins/api/proto"
)

// The classes of error a plugin may return. Wrap one with %w and the caller on
// the other side of the process border finds it with errors.Is, together with
// the whole text. context.Canceled and context.DeadlineExceeded cross as well;
// any other error crosses as its text only.
var (
	// ErrInvalid: the request or the configuration can never work; somebody must change it.
	ErrInvalid = errors.New("invalid")
	// ErrRefused: valid, but the present facts forbid it (foreign identity marker, stale epoch).
	ErrRefused = errors.New("refused")
	// ErrNotConfigured: called before Configure succeeded.
	ErrNotConfigured = errors.New("not configured")
	// ErrTemporary: the same call may succeed later.
	ErrTemporary = errors.New("temporarily impossible")
	// ErrUnsupported: this plugin does not offer it.
	ErrUnsupported = errors.New("not supported")
	// ErrGone is made by the core's side only: the plugin died, hangs or was
	// stopped before it answered. Whether the call took effect is unknown.
	ErrGone = errors.New("the plugin does not answer")
)

var classes = []struct {
	err   error
	class pb.Fault_Class
	code  codes.Code
}{
	{ErrInvalid, pb.Fault_INVALID, codes.InvalidArgument},
	{ErrRefused, pb.Fault_REFUSED, codes.FailedPrecondition},
	{ErrNotConfigured, pb.Fault_NOT_CONFIGURED, codes.FailedPrecondition},
	{ErrTemporary, pb.Fault_TEMPORARY, codes.Unavailable},
	{ErrUnsupported, pb.Fault_UNSUPPORTED, codes.Unimplemented},
}

// remoteError is an error that crossed the process border: the plugin's text
// with its class.
type remoteError struct {
	text  string
	class error // nil: none
}

func (e *remoteError) Error() string { return e.text }

func (e *remoteError) Unwrap() error { return e.class }

// maxErrorText bounds the text of an error that crosses the border, bytes.
const maxErrorText = 16 << 10

// toStatus turns a plugin's error into what gRPC carries. It is the inverse of
// fromStatus.
func toStatus(err error) error {
	if err == nil {
		return nil
	}
	class, code := pb.Fault_PLAIN, codes.Unknown
	switch {
	case errors.Is(err, context.Canceled):
		code = codes.Canceled
	case errors.Is(err, context.DeadlineExceeded):
		code = codes.DeadlineExceeded
	default:
		for _, c := range classes {
			if errors.Is(err, c.err) {
				class, code = c.class, c.code
				break
			}
		}
	}
	text := err.Error()
	if len(text) > maxErrorText {
		text = text[:maxErrorText] + "…"
	}
	st, detailErr := status.New(code, text).WithDetails(&pb.Fault{Class: class})
	if detailErr != nil {
		return status.Error(code, text)
	}
	return st.Err()
}

// fromStatus gives back the error a plugin returned, or ErrGone when the
// answer did not come from the plugin. ctx is the call's: gRPC says "canceled"
// too when a connection is closed under a call.
func fromStatus(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	st, ok := status.FromError(err)
	if !ok {
		return err
	}
	for _, d := range st.Details() {
		if f, ok := d.(*pb.Fault); ok {
			return &remoteError{text: st.Message(), class: classOf(st.Code(), f.GetClass())}
		}
	}
	switch code := st.Code(); {
	case code == codes.Canceled && ctx.Err() != nil:
		return &remoteError{text: "call the plugin: canceled", class: context.Canceled}
	case code == codes.DeadlineExceeded:
		return &remoteError{text: "call the plugin: deadline exceeded", class: context.DeadlineExceeded}
	case code == codes.Unimplemented:
		return &remoteError{text: "call the plugin: " + st.Message(), class: ErrUnsupported}
	default:
		return &remoteError{text: "call the plugin: " + st.Message(), class: ErrGone}
	}
}

func classOf(code codes.Code, class pb.Fault_Class) error {
	switch code {
	case codes.Canceled:
		return context.Canceled
	case codes.DeadlineExceeded:
		return context.DeadlineExceeded
	}
	for _, c := range classes {
		if c.class == class {
			return c.err
		}
	}
	return nil
}
