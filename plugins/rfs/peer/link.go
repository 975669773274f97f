package peer

import (
	"bufio"
	"crypto/tls"
	"net"
	"time"

	"github.com/safehold/safehold/plugins/rfs/wire"
)

// Link is an authenticated connection before it becomes a Session: the
// handshake writes and reads one message at a time on it.
type Link struct {
	conn net.Conn
	r    *bufio.Reader
}

// NewLink wraps a connection whose TLS handshake is done.
func NewLink(conn net.Conn) *Link { return &Link{conn, bufio.NewReaderSize(conn, 256<<10)} }

// Write sends one message within the timeout.
func (l *Link) Write(t wire.Type, epoch uint64, body []byte, timeout time.Duration) error {
	if err := l.conn.SetWriteDeadline(time.Now().Add(timeout)); err != nil {
		return err
	}
	var head [wire.HeaderSize]byte
	wire.Encode(&head, wire.Header{Type: t, Epoch: epoch}, body, nil)
	_, err := l.conn.Write(append(head[:], body...))
	return err
}

// Read receives one message within the timeout.
func (l *Link) Read(timeout time.Duration) (wire.Header, []byte, error) {
	if err := l.conn.SetReadDeadline(time.Now().Add(timeout)); err != nil {
		return wire.Header{}, nil, err
	}
	h, b, err := wire.Read(l.r, nil)
	if err == nil {
		err = l.conn.SetReadDeadline(time.Time{})
	}
	return h, b, err
}

// Close ends the connection at once, without the farewell of TLS, which would
// wait for a stalled peer.
func (l *Link) Close() error {
	if t, ok := l.conn.(*tls.Conn); ok {
		return t.NetConn().Close()
	}
	return l.conn.Close()
}
