package errd

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/coreos/go-systemd/v22/dbus"
	"github.com/coreos/go-systemd/v22/util"
)

// ErrNoSystemd: this machine is not run by systemd, so nothing is known of services.
var ErrNoSystemd = errors.New("systemd does not run here")

// Services asks systemd over D-Bus; the zero value connects when first asked.
type Services struct {
	mu   sync.Mutex // guards conn
	conn *dbus.Conn
}

// Running tells whether a unit is active.
func (s *Services) Running(ctx context.Context, unit string) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == nil {
		if !util.IsRunningSystemd() {
			return false, ErrNoSystemd
		}
		conn, err := dbus.NewSystemdConnectionContext(ctx)
		if err != nil {
			return false, fmt.Errorf("connect to systemd: %w", err)
		}
		s.conn = conn
	}
	p, err := s.conn.GetUnitPropertyContext(ctx, unit, "ActiveState")
	if err != nil {
		s.conn.Close()
		s.conn = nil
		return false, fmt.Errorf("ask systemd for %s: %w", unit, err)
	}
	state, _ := p.Value.Value().(string)
	return activeState(state), nil
}

// Close ends the connection.
func (s *Services) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != nil {
		s.conn.Close()
		s.conn = nil
	}
}

// activeState: a unit that is starting or being restarted does not run yet.
func activeState(state string) bool {
	return state == "active" || state == "reloading" || state == "refreshing"
}
