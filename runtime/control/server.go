package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"time"
)

// maxRequest bounds a request, bytes.
const maxRequest = 4 << 20

// Group may use the sockets besides root, when it exists on the machine.
const Group = "safekit"

// Handle makes a handler from a typed function. An error becomes a refusal
// whose text is shown to the user as it is.
func Handle[In, Out any](f func(context.Context, In) (Out, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in In
		d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest))
		d.DisallowUnknownFields()
		if err := d.Decode(&in); err != nil {
			http.Error(w, fmt.Sprintf("request %s: %v", r.URL.Path, err), http.StatusBadRequest)
			return
		}
		out, err := f(r.Context(), in)
		if err != nil {
			http.Error(w, err.Error(), http.StatusConflict)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(out) // the client went away: nothing to do
	})
}

// None is the input or output of a call that has none.
type None struct{}

// Listen opens the socket, replacing one that a dead process left. The folder
// is made 0711 so that members of Group can reach the socket but not list it.
func Listen(socket string) (net.Listener, error) {
	if err := os.MkdirAll(filepath.Dir(socket), 0o711); err != nil {
		return nil, fmt.Errorf("listen on %s: %w", socket, err)
	}
	if c, err := net.Dial("unix", socket); err == nil {
		c.Close()
		return nil, fmt.Errorf("listen on %s: another process answers there", socket)
	}
	if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("listen on %s: %w", socket, err)
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", socket, err)
	}
	if err := restrict(socket); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

func restrict(socket string) error {
	mode := os.FileMode(0o600)
	if g, err := user.LookupGroup(Group); err == nil {
		gid, err := strconv.Atoi(g.Gid)
		if err != nil {
			return fmt.Errorf("group %s: %w", Group, err)
		}
		if err := os.Chown(socket, 0, gid); err != nil {
			return fmt.Errorf("give %s to group %s: %w", socket, Group, err)
		}
		mode = 0o660
	}
	return os.Chmod(socket, mode)
}

// Serve answers on l until ctx ends. Calls in progress see their context end.
func Serve(ctx context.Context, l net.Listener, h http.Handler) error {
	s := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		<-ctx.Done()
		grace, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if s.Shutdown(grace) != nil {
			s.Close()
		}
	}()
	err := s.Serve(l)
	if ctx.Err() != nil {
		<-done
		return nil
	}
	return err
}
