package control

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"testing"
)

func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "run", "x.sock")
	l, err := Listen(socket)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- Serve(ctx, l, h) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return socket
}

func TestCallAndRefusal(t *testing.T) {
	mux := http.NewServeMux()
	mux.Handle(PathGet, Handle(func(_ context.Context, g Get) (Value, error) {
		if g.Resource != "custom.x" {
			return Value{}, errors.New("resource " + g.Resource + " does not exist")
		}
		return Value{"up"}, nil
	}))
	socket := serve(t, mux)
	c := Dial(socket)
	var v Value
	if err := c.Call(t.Context(), PathGet, Get{"custom.x"}, &v); err != nil || v.Value != "up" {
		t.Errorf("got %q, %v", v.Value, err)
	}
	var refused *RefusedError
	err := c.Call(t.Context(), PathGet, Get{"custom.y"}, &v)
	if !errors.As(err, &refused) || refused.Text != "resource custom.y does not exist" {
		t.Errorf("got %v", err)
	}
	if err := c.Call(t.Context(), PathGet, map[string]int{"Nonsense": 1}, &v); err == nil {
		t.Error("unknown field accepted")
	}
	info, err := os.Stat(socket)
	if err != nil || info.Mode().Perm()&0o007 != 0 {
		t.Errorf("socket mode %v, %v: others may connect", info.Mode(), err)
	}
}

func TestDown(t *testing.T) {
	err := Dial(filepath.Join(t.TempDir(), "none.sock")).Call(t.Context(), PathGet, nil, nil)
	if !errors.Is(err, ErrDown) {
		t.Errorf("got %v, want ErrDown", err)
	}
}

func TestListenRefusesLivingSocket(t *testing.T) {
	socket := serve(t, http.NotFoundHandler())
	if l, err := Listen(socket); err == nil {
		l.Close()
		t.Error("took over a socket that answers")
	}
}
