package peer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/safehold/safehold/plugins/rfs/wire"
)

// putHeader keeps epoch and sequence number until the writer completes the header.
func putHeader(f *outFrame, h wire.Header) {
	binary.LittleEndian.PutUint64(f.head[8:], h.Epoch)
	binary.LittleEndian.PutUint64(f.head[16:], h.Seq)
}

func (f *outFrame) encode() {
	wire.Encode(&f.head, wire.Header{
		Type:  wire.Type(f.head[3]),
		Epoch: binary.LittleEndian.Uint64(f.head[8:]),
		Seq:   binary.LittleEndian.Uint64(f.head[16:]),
	}, f.body, f.data)
}

// write is the writing goroutine. It writes what senders did not write themselves.
func (s *Session) write() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.err == nil {
		if len(s.queue) == 0 || s.writing {
			s.wake.Wait()
			continue
		}
		s.flush()
	}
	for s.writing { // a sender still reads its buffers
		s.cond.Wait()
	}
}

func (s *Session) writeBatch(batch []*outFrame) error {
	for _, f := range batch {
		if err := s.link.conn.SetWriteDeadline(time.Now().Add(s.opts.SendTimeout)); err != nil {
			return err
		}
		f.encode()
		for _, b := range [][]byte{f.head[:], f.body, f.data} {
			if _, err := s.w.Write(b); err != nil {
				return err
			}
		}
	}
	return s.w.Flush()
}

// read is the reading goroutine.
func (s *Session) read() {
	err := s.readAll()
	s.mu.Lock()
	if s.closing && (errors.Is(err, io.EOF) || errors.Is(err, ErrGoodbye)) {
		err = ErrGoodbye
	}
	s.mu.Unlock()
	s.Fail(err)
}

// ackEvery bounds how many frames or bytes are taken before an acknowledgement.
const (
	ackEvery      = 256
	ackEveryBytes = 2 << 20
)

func (s *Session) readAll() error {
	buf := make([]byte, 1<<20+4096)
	var upTo uint64
	var frames, bytes int
	for {
		h, p, err := wire.Read(s.link.r, buf)
		if err != nil {
			return err
		}
		s.mu.Lock()
		s.heard = time.Now()
		s.mu.Unlock()
		if h.Epoch < s.opts.MinEpoch {
			return fmt.Errorf("frame %s of epoch %d, this node is in %d: refused", h.Type, h.Epoch, s.opts.MinEpoch)
		}
		if err := s.take(h, p); err != nil {
			return err
		}
		if ordered(h.Type) {
			upTo, frames, bytes = h.Seq, frames+1, bytes+len(p)
		}
		if upTo != 0 && (s.link.r.Buffered() < wire.HeaderSize || frames >= ackEvery || bytes >= ackEveryBytes) {
			if err := s.opts.Commit(); err != nil {
				return err
			}
			s.Tell(wire.TypeAck, upTo, nil)
			upTo, frames, bytes = 0, 0, 0
		}
	}
}

// ordered tells whether frames of the type are numbered and acknowledged.
func ordered(t wire.Type) bool {
	switch t {
	case wire.TypeChange, wire.TypeWrite, wire.TypeList, wire.TypeHash, wire.TypeDelete, wire.TypeStable, wire.TypeSyncBegin, wire.TypeSyncEnd:
		return true
	}
	return false
}

func (s *Session) take(h wire.Header, p []byte) error {
	switch h.Type {
	case wire.TypePing:
		s.Tell(wire.TypePong, 0, nil)
		return nil
	case wire.TypePong:
		return nil
	case wire.TypeGoodbye:
		return ErrGoodbye
	case wire.TypeRefuse:
		var r wire.Refuse
		if err := wire.Unmarshal(p, &r); err != nil {
			return err
		}
		return &RefusedError{r}
	case wire.TypeAck:
		return s.acked(h.Seq)
	case wire.TypeReply:
		return s.replied(h.Seq, p)
	}
	if s.opts.Frame == nil {
		return fmt.Errorf("%w: %s is not expected here", wire.ErrFrame, h.Type)
	}
	return s.opts.Frame(h, p)
}

func (s *Session) acked(seq uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if seq > s.seq {
		return fmt.Errorf("%w: acknowledgement of frame %d, %d were sent", wire.ErrFrame, seq, s.seq)
	}
	n := 0
	for n < len(s.pending) && s.pending[n].seq <= seq {
		t := s.pending[n]
		s.bytes -= t.size
		if s.calls[t.seq] == nil {
			close(t.done)
		}
		s.pending[n] = nil
		n++
	}
	s.pending = s.pending[n:]
	s.cond.Broadcast()
	return nil
}

func (s *Session) replied(seq uint64, p []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.calls[seq]
	if t == nil {
		return fmt.Errorf("%w: answer to call %d, which was not made", wire.ErrFrame, seq)
	}
	t.reply = append([]byte(nil), p...)
	for i, q := range s.pending { // an answer is an acknowledgement too
		if q == t {
			s.bytes -= t.size
			s.pending = append(s.pending[:i:i], s.pending[i+1:]...)
			break
		}
	}
	delete(s.calls, seq)
	close(t.done)
	return nil
}

// watch is the watching goroutine: it pings and enforces the deadlines.
func (s *Session) watch() {
	every := min(max(min(s.opts.SendTimeout, s.opts.LockTimeout)/8, 5*time.Millisecond), 3*time.Second)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		var now time.Time
		select {
		case <-s.over:
			return
		case now = <-tick.C:
		}
		if err := s.overdue(now); err != nil {
			s.Fail(err)
			return
		}
		s.Tell(wire.TypePing, 0, nil)
	}
}

func (s *Session) overdue(now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.pending) > 0 && now.Sub(s.pending[0].at) > s.opts.LockTimeout {
		return fmt.Errorf("a request was not acknowledged within %s (locktimeout)", s.opts.LockTimeout)
	}
	if silent := max(s.opts.SendTimeout, s.opts.LockTimeout); now.Sub(s.heard) > silent {
		return fmt.Errorf("nothing was heard from the other node for %s", silent)
	}
	return nil
}
