package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/safehold/safehold/runtime/control"
	"github.com/safehold/safehold/runtime/ha"
	"github.com/safehold/safehold/runtime/module"
)

// probes answers load balancers: GET /var/modules/AM/ready.txt is 200 in PRIM,
// ALONE and UP Ready, 404 otherwise (states.md section 1). It tells nothing
// else and needs no authentication.
func (d *Daemon) probes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /var/modules/{module}/ready.txt", func(w http.ResponseWriter, r *http.Request) {
		name, err := module.ParseName(r.PathValue("module"))
		if err != nil || !d.serving(r.Context(), name) {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		_, _ = io.WriteString(w, "OK\n") // the balancer went away: nothing to do
	})
	return mux
}

func (d *Daemon) serving(ctx context.Context, name ha.ModuleName) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	var v control.Value
	err := control.Dial(d.cfg.Paths.SupervisorSocket(name)).Call(ctx, control.PathGet, control.Get{Resource: "state.local"}, &v)
	if err != nil {
		return false
	}
	role, err := ha.ParseRole(v.Value)
	return err == nil && role.Serving()
}

// serveHTTP answers on l until ctx ends.
func serveHTTP(ctx context.Context, l net.Listener, h http.Handler) error {
	s := &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second,
		IdleTimeout: time.Minute, MaxHeaderBytes: 8 << 10,
	}
	stop := context.AfterFunc(ctx, func() { s.Close() })
	defer stop()
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve probes: %w", err)
	}
	return nil
}
