package link

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// ErrWrongPassword is a proof that did not hold: the two sides have different
// passwords, or somebody stands between them.
var ErrWrongPassword = errors.New("the password of rcmdadmin differs on the two sides (set it with webservercfg -passwd), or a proxy stands between them")

// Session is one authenticated connection: requests one after the other, from
// one goroutine.
type Session struct {
	conn *tls.Conn
	in   *bufio.Reader
}

func newSession(c *tls.Conn) *Session { return &Session{c, bufio.NewReader(c)} }

// Close ends the connection.
func (s *Session) Close() error { return s.conn.Close() }

// Do sends a request and gives the response, whose body must be read and
// closed before the next one. The host in the URL does not matter. A deadline
// of the request's context bounds the exchange with the body; without one it
// is 30 s.
func (s *Session) Do(r *http.Request) (*http.Response, error) {
	ctx := r.Context()
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(responseTimeout)
	}
	if err := s.conn.SetDeadline(deadline); err != nil {
		return nil, fmt.Errorf("call %s: %w", s.conn.RemoteAddr(), err)
	}
	stop := context.AfterFunc(ctx, func() { s.conn.Close() })
	if err := r.Write(s.conn); err != nil {
		stop()
		return nil, fmt.Errorf("send to %s: %w", s.conn.RemoteAddr(), err)
	}
	resp, err := http.ReadResponse(s.in, r)
	if err != nil {
		stop()
		return nil, fmt.Errorf("receive from %s: %w", s.conn.RemoteAddr(), err)
	}
	resp.Body = &body{resp.Body, stop}
	return resp, nil
}

// body stops watching the context when the exchange is over.
type body struct {
	io.ReadCloser
	stop func() bool
}

// Close ends the exchange.
func (b *body) Close() error {
	b.stop()
	return b.ReadCloser.Close()
}

// prove exchanges the proofs of the password.
func (s *Session) prove(ctx context.Context, key PasswordKey) error {
	state := s.conn.ConnectionState()
	own, err := key.proof(clientSide, &state)
	if err != nil {
		return err
	}
	raw, err := json.Marshal(proofBody{hex.EncodeToString(own)})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+ServerName+ProofPath, bytes.NewReader(raw))
	if err != nil {
		return err
	}
	resp, err := s.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusTooManyRequests:
		return errors.New("too many failed attempts, try again later")
	default:
		return ErrWrongPassword
	}
	raw, err = readAll(resp.Body, maxProof)
	if err != nil {
		return err
	}
	var answer proofBody
	if err := json.Unmarshal(raw, &answer); err != nil {
		return ErrWrongPassword
	}
	theirs, err := hex.DecodeString(answer.Proof)
	if err != nil || !key.proves(theirs, serverSide, &state) {
		return ErrWrongPassword
	}
	return nil
}
