package link

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"time"

	"github.com/safehold/safehold/runtime/cluster/clusterxml"
	"github.com/safehold/safehold/runtime/cluster/identity"
	"github.com/safehold/safehold/runtime/ha"
)

// Deadlines of the calling side. Requests take their own from the context.
const (
	dialTimeout     = 3 * time.Second // per address, with the TLS handshake
	responseTimeout = 30 * time.Second
)

// ErrNoWay is why a server was not called: there is neither a common cluster
// nor a password.
var ErrNoWay = errors.New("no common cluster and no password of rcmdadmin")

// Dialer calls other nodes.
type Dialer struct {
	Identity func() *identity.Identity       // as in Server
	Password func() (k PasswordKey, ok bool) // as in Server
}

// Addresses lists where to call node, the command lan first, then the other
// lans in file order.
func Addresses(cfg *clusterxml.Config, node ha.NodeName, port int) []string {
	var out []string
	seen := map[string]bool{}
	for _, l := range append([]clusterxml.Lan{cfg.CommandLan()}, cfg.Lans...) {
		if n, ok := l.Node(node); ok && !seen[n.Addr] {
			seen[n.Addr] = true
			out = append(out, net.JoinHostPort(n.Addr, strconv.Itoa(port)))
		}
	}
	return out
}

// Client gives an HTTP client for a node of the cluster. Any host in the URL
// means that node: "https://beta/api/…". It keeps connections; call
// CloseIdleConnections when done. Requests fail at once while this node is in
// no cluster, and against any server but that node.
func (d *Dialer) Client(node ha.NodeName, addrs []string) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DialTLSContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return d.mutual(ctx, node, addrs)
		},
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			return nil, errors.New("the link needs https")
		},
		ResponseHeaderTimeout: responseTimeout,
		IdleConnTimeout:       idleTimeout,
		MaxIdleConnsPerHost:   4,
		ForceAttemptHTTP2:     false,
	}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// mutual connects to the first address that answers as node.
func (d *Dialer) mutual(ctx context.Context, node ha.NodeName, addrs []string) (*tls.Conn, error) {
	id := d.Identity()
	if id == nil {
		return nil, fmt.Errorf("call %s: this node is in no cluster", node)
	}
	err := fmt.Errorf("call %s: no address", node)
	for _, addr := range addrs {
		var c *tls.Conn
		if c, err = handshake(ctx, addr, id.ClientTLS(node)); err == nil {
			return c, nil
		}
		if ctx.Err() != nil {
			break
		}
	}
	return nil, err
}

// Open connects to one server for a few requests: as a node of the cluster
// when the server is one too (node, or any when it is empty), else with the
// password. Nothing secret is sent before the server proved itself.
func (d *Dialer) Open(ctx context.Context, addr string, node ha.NodeName) (*Session, error) {
	var refused error
	if d.Identity() != nil {
		c, err := d.mutual(ctx, node, []string{addr})
		if err == nil {
			return newSession(c), nil
		}
		if !errors.Is(err, identity.ErrNotPeer) {
			return nil, err
		}
		refused = err
	}
	key, ok := d.Password()
	if !ok {
		return nil, errors.Join(fmt.Errorf("call %s: %w", addr, ErrNoWay), refused)
	}
	return OpenWithPassword(ctx, addr, key)
}

// OpenWithPassword connects to a server that knows the same password.
func OpenWithPassword(ctx context.Context, addr string, key PasswordKey) (*Session, error) {
	c, err := handshake(ctx, addr, &tls.Config{
		MinVersion: tls.VersionTLS13,
		// Whose certificate it is does not matter: the proofs of both sides are
		// bound to this channel.
		InsecureSkipVerify: true,
	})
	if err != nil {
		return nil, err
	}
	s := newSession(c)
	if err := s.prove(ctx, key); err != nil {
		s.Close()
		return nil, fmt.Errorf("call %s with the password of rcmdadmin: %w", addr, err)
	}
	return s, nil
}

func handshake(ctx context.Context, addr string, cfg *tls.Config) (*tls.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	raw, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("call %s: %w", addr, err)
	}
	cfg.ServerName = ServerName
	cfg.NextProtos = []string{"http/1.1"}
	c := tls.Client(raw, cfg)
	if err := c.HandshakeContext(ctx); err != nil {
		raw.Close()
		return nil, fmt.Errorf("call %s: %w", addr, err)
	}
	return c, nil
}

// Target gives the address to call for a server of `safekit -H`: an http URL
// means the server's link port, because a password is never sent in the clear;
// an https URL names the port itself.
func Target(server string, port int) (addr string, err error) {
	u, err := url.Parse(server)
	if err != nil || u.Hostname() == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return "", fmt.Errorf("server %q: want http://host[:port] or https://host[:port]", server)
	}
	if p := u.Port(); u.Scheme == "https" && p != "" {
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil || n == 0 {
			return "", fmt.Errorf("server %q: bad port", server)
		}
		port = int(n)
	}
	host := u.Hostname()
	if ip, err := netip.ParseAddr(host); err == nil {
		host = ip.String()
	}
	return net.JoinHostPort(host, strconv.Itoa(port)), nil
}
