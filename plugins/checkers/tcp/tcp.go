// Package tcp tests whether a TCP service accepts connections.
package tcp

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/safehold/safehold/plugins/api"
)

// Identity is the name in the log (userconfig-xml.md section 13.1).
const Identity = "tcpcheck"

// Validate judges the attributes addr and port.
func Validate(c api.Check) error {
	if c.Attrs["addr"] == "" {
		return fmt.Errorf("addr is missing: %w", api.ErrInvalid)
	}
	if p, err := strconv.Atoi(c.Attrs["port"]); err != nil || p < 1 || p > 65535 {
		return fmt.Errorf("port %q: want 1 to 65535: %w", c.Attrs["port"], api.ErrInvalid)
	}
	return nil
}

// Probe connects once; ctx carries the timeout. Names are resolved each time.
func Probe(ctx context.Context, c api.Check) (map[string]float64, error) {
	began := time.Now()
	conn, err := (&net.Dialer{KeepAlive: -1}).DialContext(ctx, "tcp", net.JoinHostPort(c.Attrs["addr"], c.Attrs["port"]))
	if err != nil {
		return nil, fmt.Errorf("connect to %s port %s: %w", c.Attrs["addr"], c.Attrs["port"], err)
	}
	_ = conn.Close()
	return map[string]float64{"latency_seconds": time.Since(began).Seconds()}, nil
}
