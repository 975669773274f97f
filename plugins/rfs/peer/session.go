package peer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/safehold/safehold/plugins/rfs/wire"
)

// ErrLost is wrapped by what Send, Wait and Call return once the session ended.
var ErrLost = errors.New("replication session ended")

// ErrGoodbye is the cause of a session that the other side ended properly.
var ErrGoodbye = errors.New("the other node said goodbye")

// RefusedError is the cause of a session that the other side ended with a reason.
type RefusedError struct{ wire.Refuse }

func (e *RefusedError) Error() string { return "the other node refused: " + e.Reason }

// Options of a session.
type Options struct {
	Epoch       uint64
	MinEpoch    uint64 // frames of an older epoch end the session
	SendTimeout time.Duration
	LockTimeout time.Duration
	// Frame handles what the session does not: changes, writes, calls. It runs on
	// the reading goroutine; the payload is valid until it returns.
	Frame func(h wire.Header, payload []byte) error
	// Commit runs before an acknowledgement goes out.
	Commit func() error
	// OnLost runs once, after the goroutines ended and before waiters wake up.
	OnLost func(cause error)
}

// window bounds what is on its way: bytes of payload and frames.
const (
	windowBytes  = 64 << 20
	windowFrames = 8192
)

// inlineSize bounds what a sender writes itself: more is better sent while the
// sender writes to its own disk.
const inlineSize = 32 << 10

// Ticket stands for one frame that was sent.
type Ticket struct {
	seq   uint64
	size  int
	at    time.Time
	done  chan struct{}
	reply []byte
	err   error
}

// Wait waits until the frame was acknowledged, or the session ended.
func (t *Ticket) Wait() error {
	<-t.done
	return t.err
}

type outFrame struct {
	head [wire.HeaderSize]byte
	body []byte
	data []byte
}

// Session carries frames over a link.
type Session struct {
	link *Link
	w    *bufio.Writer // used by who set writing
	opts Options
	done chan struct{}
	over chan struct{} // closed by the first Fail

	mu      sync.Mutex // guards everything below
	cond    *sync.Cond // room in the window, or the end
	wake    *sync.Cond // something for the writer
	queue   []*outFrame
	seq     uint64
	pending []*Ticket // sent, not acknowledged, in order
	calls   map[uint64]*Ticket
	bytes   int // of pending
	heard   time.Time
	err     error
	writing bool // somebody writes what was taken from queue
	closing bool // the queue is written out, then the connection ends
}

// NewSession makes a session of a link whose handshake is over.
func NewSession(l *Link, o Options) *Session {
	s := &Session{link: l, w: bufio.NewWriterSize(l.conn, 64<<10), opts: o, done: make(chan struct{}), over: make(chan struct{}), calls: map[uint64]*Ticket{}, heard: time.Now()}
	s.cond, s.wake = sync.NewCond(&s.mu), sync.NewCond(&s.mu)
	return s
}

// Run serves the session until it ends and returns why.
func (s *Session) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { s.Fail(context.Cause(ctx)) })
	defer stop()
	var wg sync.WaitGroup
	wg.Go(s.write)
	wg.Go(s.read)
	wg.Go(s.watch)
	wg.Wait()
	cause := s.Err()
	if s.opts.OnLost != nil {
		s.opts.OnLost(cause)
	}
	s.mu.Lock()
	lost := fmt.Errorf("%w: %w", ErrLost, cause)
	for _, t := range s.pending {
		t.err = lost
		if s.calls[t.seq] == nil {
			close(t.done)
		}
	}
	for _, t := range s.calls {
		t.err = lost
		close(t.done)
	}
	s.pending, s.calls = nil, nil
	s.mu.Unlock()
	close(s.done)
	return cause
}

// Done is closed when the session has ended and nobody waits on it any more.
func (s *Session) Done() <-chan struct{} { return s.done }

// Ended is closed as soon as the session fails, before OnLost.
func (s *Session) Ended() <-chan struct{} { return s.over }

// Err tells why the session ended, nil while it lives.
func (s *Session) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Fail ends the session. The first cause counts.
func (s *Session) Fail(cause error) {
	s.mu.Lock()
	if s.err == nil {
		s.err = cause
		close(s.over)
	}
	s.cond.Broadcast()
	s.wake.Broadcast()
	s.mu.Unlock()
	s.link.Close()
}

// Send puts an ordered frame on its way and returns at once, unless the window
// is full. Frames are sent in the order of calls. data is not copied: it stays
// unchanged until the ticket was waited for.
func (s *Session) Send(t wire.Type, body, data []byte) (*Ticket, error) {
	return s.send(t, body, data, false)
}

func (s *Session) send(t wire.Type, body, data []byte, call bool) (*Ticket, error) {
	size := len(body) + len(data)
	if size > wire.MaxPayload {
		return nil, fmt.Errorf("send %s: %d bytes are over the limit", t, size)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.err == nil && len(s.pending) > 0 && (s.bytes+size > windowBytes || len(s.pending) >= windowFrames) {
		s.cond.Wait()
	}
	if s.err != nil {
		return nil, fmt.Errorf("%w: %w", ErrLost, s.err)
	}
	s.seq++
	tk := &Ticket{seq: s.seq, size: size, at: time.Now(), done: make(chan struct{})}
	s.pending = append(s.pending, tk)
	s.bytes += size
	if call {
		s.calls[tk.seq] = tk
	}
	s.post(wire.Header{Type: t, Epoch: s.opts.Epoch, Seq: tk.seq}, body, data, size <= inlineSize)
	return tk, nil
}

// post queues a frame; mu is held. With inline, when nothing is being written, the
// caller writes it itself, which spares waking the writer; mu is released meanwhile.
func (s *Session) post(h wire.Header, body, data []byte, inline bool) {
	f := &outFrame{body: body, data: data}
	// The checksum is made by who writes, outside the lock.
	f.head[3] = byte(h.Type)
	putHeader(f, h)
	s.queue = append(s.queue, f)
	if inline && !s.writing && len(s.queue) == 1 {
		s.flush()
	}
	if len(s.queue) > 0 && !s.writing {
		s.wake.Signal()
	}
}

// flush writes what is queued; mu is held before and after, and writing is false.
func (s *Session) flush() {
	batch := s.queue
	s.queue, s.writing = nil, true
	s.mu.Unlock()
	err := s.writeBatch(batch)
	if err != nil {
		s.Fail(fmt.Errorf("send to the other node: %w", err))
	}
	s.mu.Lock()
	s.writing = false
	s.cond.Broadcast()
}

// Tell sends a frame that is neither ordered nor acknowledged.
func (s *Session) Tell(t wire.Type, seq uint64, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.post(wire.Header{Type: t, Epoch: s.opts.Epoch, Seq: seq}, body, nil, t == wire.TypeAck)
	}
}

// Call sends a request, in order with the other frames, and waits for its answer.
func (s *Session) Call(ctx context.Context, t wire.Type, body []byte) ([]byte, error) {
	tk, err := s.send(t, body, nil, true)
	if err != nil {
		return nil, err
	}
	return s.Answer(ctx, tk)
}

// Start sends a request without waiting; Answer waits.
func (s *Session) Start(t wire.Type, body []byte) (*Ticket, error) {
	return s.send(t, body, nil, true)
}

// Answer waits for the answer of a request made with Start.
func (s *Session) Answer(ctx context.Context, tk *Ticket) ([]byte, error) {
	select {
	case <-tk.done:
		return tk.reply, tk.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// Goodbye ends the session properly: what is queued is written, the other side
// is told, and the connection ends when it hangs up or after the timeout.
func (s *Session) Goodbye(timeout time.Duration) {
	s.mu.Lock()
	if s.err == nil {
		s.post(wire.Header{Type: wire.TypeGoodbye, Epoch: s.opts.Epoch}, nil, nil, false)
		s.closing = true
	}
	s.mu.Unlock()
	select {
	case <-s.done:
	case <-time.After(timeout):
		s.Fail(ErrGoodbye)
		<-s.done
	}
}

// Refuse tells the other side why the session ends, then ends it. It may be
// called on the reading goroutine.
func (s *Session) Refuse(r wire.Refuse, timeout time.Duration) {
	s.Tell(wire.TypeRefuse, 0, wire.Marshal(r))
	timer := time.AfterFunc(timeout, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.cond.Broadcast()
	})
	defer timer.Stop()
	until := time.Now().Add(timeout)
	s.mu.Lock()
	for s.err == nil && (len(s.queue) > 0 || s.writing) && time.Now().Before(until) {
		s.cond.Wait()
	}
	s.mu.Unlock()
	s.Fail(&RefusedError{r})
}
