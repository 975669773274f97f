// Package ping tests whether a host answers ICMP echoes, v4 or v6.
package ping

import (
	"context"
	"errors"
	"fmt"
	"time"

	probing "github.com/prometheus-community/pro-bing"

	"github.com/safehold/safehold/plugins/api"
)

// Identity is the name in the log (userconfig-xml.md section 13.1).
const Identity = "pingcheck"

// again is the time between the echoes of one test: a single lost packet does not fail it.
const again = time.Second

// Validate judges the attribute addr.
func Validate(c api.Check) error {
	if c.Attrs["addr"] == "" {
		return fmt.Errorf("addr is missing: %w", api.ErrInvalid)
	}
	return nil
}

// Probe sends echoes until one is answered or ctx, which carries the timeout,
// ends. Names are resolved each time.
func Probe(ctx context.Context, c api.Check) (map[string]float64, error) {
	addr := c.Attrs["addr"]
	p := probing.New(addr)
	p.SetPrivileged(true) // a raw socket: unprivileged ones are off by default (net.ipv4.ping_group_range)
	p.Interval, p.Timeout, p.RecordRtts = again, c.Timeout, false
	var rtt time.Duration
	answered := false
	p.OnRecv = func(k *probing.Packet) {
		rtt, answered = k.Rtt, true
		p.Stop()
	}
	err := p.RunWithContext(ctx)
	switch {
	case answered:
		return map[string]float64{"latency_seconds": rtt.Seconds()}, nil
	case err != nil && !errors.Is(err, context.DeadlineExceeded):
		return nil, fmt.Errorf("ping %s: %w", addr, err)
	default:
		return nil, fmt.Errorf("ping %s: no answer within %v", addr, c.Timeout)
	}
}
