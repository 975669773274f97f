package modlog

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/safehold/safehold/runtime/ha"
)

// record is a line on its way to the file, and to the journal when journal is
// not empty.
type record struct {
	text     string
	journal  string
	priority int
}

func (r record) size() int { return len(r.text) + len(r.journal) + 64 }

// ErrClosed is returned for lines after Close.
var ErrClosed = errors.New("log is closed")

// appender buffers lines and writes them from one goroutine, so that a slow
// disk or journal never holds the one who logs.
type appender struct {
	file    *rotating
	journal *journal
	limit   int

	mu     sync.Mutex // guards everything below
	wake   *sync.Cond // something to write, or closed
	done   *sync.Cond // the writer has caught up
	queue  []record
	bytes  int
	busy   bool
	closed bool
	lost   int   // lines not written since the last that was
	err    error // why, until it is reported

	finished chan struct{}
}

func openAppender(path string, o Options) (*appender, error) {
	o = o.withDefaults()
	file, err := openRotating(path, o)
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	a := &appender{file: file, journal: &journal{socket: o.Journal}, limit: o.Buffer, finished: make(chan struct{})}
	a.wake, a.done = sync.NewCond(&a.mu), sync.NewCond(&a.mu)
	go a.run()
	return a, nil
}

// append queues a line.
func (a *appender) append(r record) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return ErrClosed
	}
	if a.bytes+r.size() > a.limit {
		a.lost++
		return fmt.Errorf("log %s: the disk does not follow, %d lines lost so far", a.file.path, a.lost)
	}
	a.queue = append(a.queue, r)
	a.bytes += r.size()
	a.wake.Signal()
	return a.takeErr()
}

func (a *appender) takeErr() error {
	err := a.err
	a.err = nil
	return err
}

// sync waits for the writer.
func (a *appender) sync() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for a.busy || len(a.queue) > 0 {
		a.done.Wait()
	}
	return a.takeErr()
}

func (a *appender) close() error {
	a.mu.Lock()
	if a.closed {
		a.mu.Unlock()
		return nil
	}
	a.closed = true
	a.wake.Signal()
	a.mu.Unlock()
	<-a.finished
	a.mu.Lock()
	defer a.mu.Unlock()
	a.journal.close()
	return errors.Join(a.takeErr(), a.file.close())
}

// run writes batches until the log is closed and empty.
func (a *appender) run() {
	defer close(a.finished)
	a.mu.Lock()
	defer a.mu.Unlock()
	for {
		for len(a.queue) == 0 && !a.closed {
			a.wake.Wait()
		}
		if len(a.queue) == 0 {
			return
		}
		batch, lost := a.queue, a.lost
		a.queue, a.busy = nil, true
		a.mu.Unlock()
		err := a.write(batch, lost)
		a.mu.Lock()
		a.settle(batch, lost, err)
	}
}

// settle accounts for a batch. The batch counted against the limit until now,
// so that what waits and what is being written are bounded together.
func (a *appender) settle(batch []record, lost int, err error) {
	for _, r := range batch {
		a.bytes -= r.size()
	}
	if err != nil {
		a.err = fmt.Errorf("write log: %w", err)
		a.lost += len(batch)
	} else {
		a.lost -= lost
	}
	a.busy = false
	if len(a.queue) == 0 {
		a.done.Broadcast()
	}
}

// maxWrite is how many bytes go to the file at once; each write ends with a line.
const maxWrite = 256 << 10

func (a *appender) write(batch []record, lost int) error {
	var buf bytes.Buffer
	if lost > 0 {
		line := NewLine(time.Now(), "modlog", ha.Warning, fmt.Sprintf("%d log lines are lost: the disk did not follow", lost))
		buf.WriteString(line.String() + "\n")
	}
	for i, r := range batch {
		buf.WriteString(r.text)
		buf.WriteByte('\n')
		if buf.Len() >= maxWrite || i == len(batch)-1 {
			if err := a.file.write(buf.Bytes()); err != nil {
				return err
			}
			buf.Reset()
		}
	}
	for _, r := range batch {
		if r.journal != "" {
			a.journal.send(r.priority, r.journal)
		}
	}
	return nil
}
