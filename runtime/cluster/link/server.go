package link

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/sirupsen/logrus"
	"golang.org/x/net/netutil"

	"github.com/safehold/safehold/runtime/cluster/identity"
)

// Port is where nodes listen for each other unless configured otherwise.
const Port = 9453

// ServerName is what link clients ask for by SNI; it tells them from browsers.
const ServerName = "link.safehold.internal"

// Limits of one connection.
const (
	headerTimeout = 10 * time.Second
	idleTimeout   = 2 * time.Minute
	stopTimeout   = 5 * time.Second
	maxHeader     = 32 << 10
	maxConns      = 512 // in all; the system queues the rest
)

// Server is the listening side.
type Server struct {
	// Identity gives this node's identity now, nil while it is in no cluster.
	Identity func() *identity.Identity
	// Password gives the key of rcmdadmin's password now.
	Password func() (k PasswordKey, ok bool)
	// Cluster receives the configuration that another node distributes, at
	// ClusterPath.
	Cluster http.Handler
	// Commands receives everything else.
	Commands http.Handler
	// Console, when not nil, answers on the same port whoever does not ask for
	// ServerName: browsers, when the console uses HTTPS.
	Console *Console
	Log     logrus.FieldLogger
}

// Console is a web service that shares the port.
type Console struct {
	TLS     *tls.Config
	Handler http.Handler
}

// Serve answers on l until ctx is done, closes l and returns nil when every
// request has ended or was cut off.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	stranger, err := selfSigned(time.Now())
	if err != nil {
		l.Close()
		return err
	}
	g := &gate{server: s, throttle: newThrottle(), stranger: stranger, nobody: noPassword()}
	quiet := log.New(debugWriter{s.Log}, "", 0)
	h := &http.Server{
		Handler:           g,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          quiet,
		ConnContext: func(ctx context.Context, _ net.Conn) context.Context {
			return context.WithValue(ctx, sessionKey{}, &session{})
		},
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
		defer cancel()
		if h.Shutdown(grace) != nil {
			h.Close()
		}
	})
	err = h.Serve(tls.NewListener(netutil.LimitListener(l, maxConns), &tls.Config{GetConfigForClient: g.configFor, MinVersion: tls.VersionTLS12}))
	if stop() {
		return fmt.Errorf("serve the link on %s: %w", l.Addr(), err)
	}
	<-stopped
	if !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the link on %s: %w", l.Addr(), err)
	}
	return nil
}

// session is the state of one connection: whether it proved the password.
type session struct {
	mu     sync.Mutex
	proved bool
}

type sessionKey struct{}

func (s *session) isProved() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.proved
}

func (s *session) setProved() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.proved = true
}

// debugWriter takes the HTTP server's own complaints about foreign clients.
type debugWriter struct{ log logrus.FieldLogger }

// Write passes one line on at debug level.
func (w debugWriter) Write(line []byte) (int, error) {
	w.log.WithField("line", strings.TrimSpace(string(line))).Debug("link connection")
	return len(line), nil
}

// readAll reads a body of at most limit bytes.
func readAll(r io.Reader, limit int64) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(raw)) > limit {
		err = fmt.Errorf("more than %d bytes", limit)
	}
	return raw, err
}
