package fuse

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// ErrAborted is returned by Serve when somebody aborted the connection.
var ErrAborted = errors.New("fuse: connection was aborted")

// loop is the plain transport: goroutines that each read a message, hand it to
// the dispatcher, and read the next.
type loop struct {
	opts   *Options
	devs   []*device // the first is the connection's own
	chunks *chunkPool
	slots  *sync.Pool
	stop   atomic.Bool
	crew   crew
}

// newLoop reads from dev, and from clones of it when asked.
func newLoop(dev *device, o *Options) (*loop, error) {
	dev.retain()
	l := &loop{
		opts: o, crew: crew{least: int64(o.Readers), most: int64(o.MaxReaders)}, devs: []*device{dev}, slots: newSlotPool(),
		chunks: newChunkPool(o.chunkSize(), o.chunkLimit(), o.Readers),
	}
	for o.CloneFDs && len(l.devs) < o.Readers {
		d, err := l.devs[0].clone()
		if err != nil {
			return nil, errors.Join(err, l.close())
		}
		l.devs = append(l.devs, d)
	}
	return l, nil
}

// serve implements transport.
func (l *loop) serve(ctx context.Context, d *dispatcher) error {
	for _, dev := range l.devs {
		if err := unix.SetNonblock(dev.fd, false); err != nil {
			return fmt.Errorf("serve fuse: %w", err)
		}
	}
	done := make(chan struct{})
	var interrupted sync.WaitGroup
	interrupted.Add(1)
	stopWatching := context.AfterFunc(ctx, func() {
		defer interrupted.Done()
		l.interrupt(done)
	})
	err := l.readAll(d)
	close(done)
	if stopWatching() {
		interrupted.Done()
	}
	interrupted.Wait()
	d.wait()
	if err == nil && l.stop.Load() {
		return context.Cause(ctx)
	}
	return err
}

// readAll runs the readers and returns what ended the first one that failed.
func (l *loop) readAll(d *dispatcher) error {
	var (
		wg    sync.WaitGroup
		once  sync.Once
		first error
		start func()
	)
	start = func() {
		dev := l.devs[int(l.crew.hired.Add(1)-1)%len(l.devs)]
		wg.Go(func() {
			if l.opts.LockThreads {
				runtime.LockOSThread()
				defer runtime.UnlockOSThread()
			}
			if err := l.read(dev, d, start); err != nil {
				once.Do(func() { first = err })
			}
		})
	}
	for range l.opts.Readers {
		l.crew.size.Add(1)
		start()
	}
	wg.Wait()
	return first
}

// read is one reader. It returns nil when the file system is gone, the loop was
// told to stop, or there are too many readers. It calls more to start another one.
func (l *loop) read(dev *device, d *dispatcher, more func()) error {
	space := l.opts.MaxWrite + pageSize
	var in inlet
	defer in.close()
	for !l.stop.Load() {
		if !in.room(l.chunks, space) {
			return nil
		}
		if l.crew.surplus() {
			return nil
		}
		buf := in.next(space)
		l.crew.idle.Add(1)
		n, err := unix.Read(dev.fd, buf)
		left := l.crew.idle.Add(-1)
		switch {
		case err == nil:
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.EAGAIN), errors.Is(err, unix.ENOENT):
			continue
		case errors.Is(err, unix.ENODEV):
			return nil
		case errors.Is(err, unix.ECONNABORTED):
			return ErrAborted
		default:
			return fmt.Errorf("read fuse request: %w", err)
		}
		if n == 0 {
			return nil // the peer hung up; the kernel itself never sends nothing
		}
		if left == 0 && l.crew.grow() {
			more()
		}
		in.take(n)
		d.message(l.slots, dev, in.chunk, buf[:n])
	}
	return nil
}

// interrupt makes the readers return without unmounting. A reader that sleeps
// in read(2) is woken by a harmless signal; the restarted call then finds the
// descriptor non-blocking and returns.
func (l *loop) interrupt(done <-chan struct{}) {
	l.stop.Store(true)
	l.chunks.close()
	for _, dev := range l.devs {
		// A failure leaves the readers asleep until the file system is gone.
		if err := unix.SetNonblock(dev.fd, true); err != nil {
			l.opts.Log.WithError(err).Warn("fuse readers cannot be interrupted")
		}
	}
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		wakeThreads()
		select {
		case <-done:
			return
		case <-tick.C:
		}
	}
}

// wakeThreads sends every thread of this process SIGURG, which the Go runtime
// uses itself and ignores when it did not expect it.
func wakeThreads() {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return
	}
	for _, t := range tasks {
		if tid, err := strconv.Atoi(t.Name()); err == nil {
			_ = unix.Tgkill(os.Getpid(), tid, unix.SIGURG)
		}
	}
}

// close implements transport.
func (l *loop) close() error {
	var errs []error
	for _, dev := range l.devs {
		errs = append(errs, dev.hangUp())
		dev.release()
	}
	l.chunks.close()
	return errors.Join(errs...)
}

// inlet is where a reader puts the next message.
type inlet struct {
	chunk *chunk
	pos   int // page-aligned start of free space
}

// payloadAt is where a write's data begin in its message; placing the message
// so far before a page boundary makes the data page-aligned.
const payloadAt = inHeaderSize + writeInSize

// room makes sure that there is space for a message; false when the pool closed.
func (in *inlet) room(p *chunkPool, space int) bool {
	if in.chunk != nil && in.chunk.refs.Load() == 1 {
		in.pos = 0 // nobody but this reader uses it: stay in warm memory
	}
	if in.chunk != nil && in.pos+space+pageSize <= len(in.chunk.b) {
		return true
	}
	in.close()
	in.chunk, in.pos = p.get(), 0
	return in.chunk != nil
}

// next is where to read a message to.
func (in *inlet) next(space int) []byte {
	start := in.pos + pageSize - payloadAt
	return in.chunk.b[start : start+space]
}

// take marks the n bytes of the message as used.
func (in *inlet) take(n int) {
	end := in.pos + pageSize - payloadAt + n
	in.pos = (end + pageSize - 1) &^ (pageSize - 1)
}

func (in *inlet) close() {
	if in.chunk != nil {
		in.chunk.unref()
		in.chunk = nil
	}
}
