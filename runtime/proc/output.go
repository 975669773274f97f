package proc

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// copySize is how much of a child's output is in memory at a time, bytes.
const copySize = 32 << 10

// drainLimit bounds how long the end of a child waits for a slow Output.
const drainLimit = 10 * time.Second

// output carries a child's standard output and error to a writer.
type output struct {
	r, w    *os.File // nil when the child writes to files of its own
	to      io.Writer
	drained chan struct{}
}

func openOutput(spec Spec) (*output, error) {
	o := &output{to: spec.Output, drained: make(chan struct{})}
	if spec.Output == nil || (spec.Stdout != nil && spec.Stderr != nil) {
		return o, nil
	}
	var err error
	if o.r, o.w, err = os.Pipe(); err != nil {
		return nil, fmt.Errorf("open the output pipe: %w", err)
	}
	return o, nil
}

func (o *output) stdout(spec Spec) *os.File {
	if spec.Stdout != nil {
		return spec.Stdout
	}
	return o.w
}

func (o *output) stderr(spec Spec) *os.File {
	if spec.Stderr != nil {
		return spec.Stderr
	}
	return o.w
}

func (o *output) closeChildSide() {
	if o.w != nil {
		_ = o.w.Close()
	}
}

func (o *output) abandon() {
	if o.r != nil {
		_ = o.r.Close()
	}
}

// copy starts the goroutine that owns r from here on.
func (o *output) copy() {
	if o.r == nil {
		close(o.drained)
		return
	}
	go o.run()
}

// drain returns when all that was written before the call reached the writer.
func (o *output) drain() {
	if o.r != nil {
		_ = o.r.SetReadDeadline(time.Unix(1, 0)) // wakes run; fails when run is through
	}
	limit := time.NewTimer(drainLimit)
	defer limit.Stop()
	select {
	case <-o.drained:
	case <-limit.C:
	}
}

func (o *output) run() {
	defer o.r.Close()
	buf := make([]byte, copySize)
	for {
		n, err := o.r.Read(buf)
		o.write(buf[:n])
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			o.takeRest(buf)
			close(o.drained)
			_ = o.r.SetReadDeadline(time.Time{})
			o.follow(buf)
			return
		case err != nil:
			close(o.drained)
			return
		}
	}
}

// takeRest moves what is in the pipe now.
func (o *output) takeRest(buf []byte) {
	left := o.buffered()
	_ = o.r.SetReadDeadline(time.Time{})
	for left > 0 {
		n, err := o.r.Read(buf[:min(left, len(buf))])
		o.write(buf[:n])
		if err != nil {
			return
		}
		left -= n
	}
}

// follow copies what processes left behind still write.
func (o *output) follow(buf []byte) {
	for {
		n, err := o.r.Read(buf)
		o.write(buf[:n])
		if err != nil {
			return
		}
	}
}

func (o *output) write(b []byte) {
	if len(b) == 0 || o.to == nil {
		return
	}
	if _, err := o.to.Write(b); err != nil {
		o.to = nil
	}
}

// buffered is the number of bytes in the pipe.
func (o *output) buffered() int {
	n := 0
	raw, err := o.r.SyscallConn()
	if err != nil {
		return 0
	}
	_ = raw.Control(func(fd uintptr) {
		if v, err := unix.IoctlGetInt(int(fd), unix.TIOCINQ); err == nil {
			n = v
		}
	})
	return n
}
