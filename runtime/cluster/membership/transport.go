package membership

import (
	"context"
	"log"
	"net"
	"time"

	"github.com/hashicorp/memberlist"
)

// transport is memberlist's own, except that connections leave from the lan's
// local address. Otherwise the kernel might send them through another network,
// and a lan that is cut would look alive (cluster-xml.md section 4.2).
type transport struct {
	*memberlist.NetTransport
	ctx    context.Context // ends connection attempts at shutdown; its owner is serveLan
	dialer net.Dialer
}

func newTransport(ctx context.Context, c *memberlist.Config, logger *log.Logger) (*transport, error) {
	t, err := memberlist.NewNetTransport(&memberlist.NetTransportConfig{
		BindAddrs: []string{c.BindAddr}, BindPort: c.BindPort, Logger: logger})
	if err != nil {
		return nil, err
	}
	local := &net.TCPAddr{IP: net.ParseIP(c.BindAddr)}
	return &transport{NetTransport: t, ctx: ctx, dialer: net.Dialer{LocalAddr: local}}, nil
}

// DialTimeout connects from the lan's local address.
func (t *transport) DialTimeout(addr string, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(t.ctx, timeout)
	defer cancel()
	return t.dialer.DialContext(ctx, "tcp", addr)
}

// DialAddressTimeout is DialTimeout for an address with a node name.
func (t *transport) DialAddressTimeout(a memberlist.Address, timeout time.Duration) (net.Conn, error) {
	return t.DialTimeout(a.Addr, timeout)
}
