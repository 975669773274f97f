package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"
)

// maxAnswer bounds an answer, bytes.
const maxAnswer = 64 << 20

// ErrDown means nobody listens on the socket.
var ErrDown = errors.New("not running")

// RefusedError is a request the other end understood and declined.
type RefusedError struct{ Text string }

// Error gives the reason, as it is shown to the user.
func (e *RefusedError) Error() string { return e.Text }

// Client talks to one socket. It is safe for concurrent use.
type Client struct{ http http.Client }

// Dial prepares a client; it connects with the first call.
func Dial(socket string) *Client {
	c := &Client{}
	c.http.Transport = &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		},
	}
	return c
}

// Call posts in (may be nil) to path and decodes the answer into out (may be
// nil). It returns ErrDown when nobody listens, *RefusedError when declined.
func (c *Client) Call(ctx context.Context, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("encode request %s: %w", path, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://socket"+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("request %s: %w", path, err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.http.Do(req)
	if errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.ECONNREFUSED) {
		return ErrDown
	}
	if err != nil {
		return fmt.Errorf("request %s: %w", path, err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("answer to %s: %w", path, err)
	}
	if resp.StatusCode != http.StatusOK {
		return &RefusedError{Text: string(bytes.TrimSpace(raw))}
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return fmt.Errorf("answer to %s: %w", path, err)
	}
	return nil
}
