package api

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestErrorsKeepTheirClass(t *testing.T) {
	for _, class := range []error{ErrInvalid, ErrRefused, ErrNotConfigured, ErrTemporary, ErrUnsupported,
		context.Canceled, context.DeadlineExceeded} {
		sent := fmt.Errorf("assign primary: disk: %w", class)
		got := fromStatus(t.Context(), toStatus(sent))
		if !errors.Is(got, class) || got.Error() != sent.Error() {
			t.Errorf("%v became %v", sent, got)
		}
		if errors.Is(got, ErrGone) {
			t.Errorf("%v: taken for a dead plugin", sent)
		}
	}
	plain := fromStatus(t.Context(), toStatus(errors.New("odd")))
	if plain == nil || plain.Error() != "odd" || errors.Is(plain, ErrGone) {
		t.Errorf("plain error became %v", plain)
	}
	if fromStatus(t.Context(), toStatus(nil)) != nil {
		t.Error("no error became one")
	}
}

func TestErrorsOfTheTransport(t *testing.T) {
	for code, want := range map[codes.Code]error{
		codes.Unavailable:      ErrGone,
		codes.Internal:         ErrGone,
		codes.Canceled:         ErrGone, // the call's own context lives
		codes.DeadlineExceeded: context.DeadlineExceeded,
		codes.Unimplemented:    ErrUnsupported,
	} {
		if got := fromStatus(t.Context(), status.Error(code, "x")); !errors.Is(got, want) {
			t.Errorf("%v became %v, want %v", code, got, want)
		}
	}
}

func TestCallerCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := fromStatus(ctx, status.Error(codes.Canceled, "x")); !errors.Is(got, context.Canceled) {
		t.Errorf("%v", got)
	}
}

func TestErrorTextIsBounded(t *testing.T) {
	got := fromStatus(t.Context(), toStatus(errors.New(strings.Repeat("x", 1<<20))))
	if len(got.Error()) > maxErrorText+8 {
		t.Errorf("%d bytes crossed", len(got.Error()))
	}
}
