package fuse

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// ErrServing is returned by a call that a connection does not allow once it is
// served or closed.
var ErrServing = errors.New("fuse: connection is served already or closed")

// State is what a second process needs to serve a connection that this one
// mounted: the result of the negotiation, and where the mount is. It goes
// together with the descriptor (Conn.File).
type State struct {
	Path          string  `json:"path"`
	ID            uint32  `json:"id"`
	Minor         uint32  `json:"minor"`
	Features      Feature `json:"features"`
	MaxWrite      int     `json:"max_write"`
	MaxRead       int     `json:"max_read"`
	MaxBackground int     `json:"max_background"`
	Congestion    int     `json:"congestion"`
}

// Conn is one mount's connection to the kernel.
type Conn struct {
	opts  Options
	state State
	dev   *device
	link  transport

	mu      sync.Mutex // guards everything below
	served  bool       // Serve was called
	serving bool
	closed  bool
	aborted bool // Abort was called
}

// Attach serves a connection that was mounted elsewhere: file is its
// descriptor, of which Attach takes a duplicate, and st what State returned
// there. Only Readers, MaxReaders, CloneFDs, LockThreads, MaxNamespace, MaxMemory and Log
// of the options matter.
func Attach(file *os.File, st State, o Options) (*Conn, error) {
	o.MaxWrite, o.MaxBackground, o.Congestion = st.MaxWrite, st.MaxBackground, st.Congestion
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	if st.Minor < minMinor || st.MaxWrite == 0 || st.MaxRead < pageSize || st.MaxRead > maxReadLimit || st.Path == "" {
		return nil, fmt.Errorf("attach fuse connection: state %+v was never negotiated", st)
	}
	fd, err := unix.FcntlInt(file.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("attach fuse connection: duplicate descriptor: %w", err)
	}
	return newConn(fd, st, o)
}

// newConn takes over fd.
func newConn(fd int, st State, o Options) (*Conn, error) {
	c := &Conn{opts: o, state: st, dev: newDevice(fd)}
	l, err := newLoop(c.dev, &c.opts)
	if err != nil {
		c.dev.release()
		return nil, err
	}
	c.link = l
	return c, nil
}

// State returns what Attach needs.
func (c *Conn) State() State { return c.state }

// Features returns what was negotiated.
func (c *Conn) Features() Feature { return c.state.Features }

// Path returns where the mount is, as an absolute path without links.
func (c *Conn) Path() string { return c.state.Path }

// File returns a duplicate of the connection's descriptor, to be handed to
// another process or kept open so that the mount outlives this one. The caller
// closes it.
func (c *Conn) File() (*os.File, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, ErrServing
	}
	fd, err := unix.FcntlInt(uintptr(c.dev.fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("duplicate fuse descriptor: %w", err)
	}
	return os.NewFile(uintptr(fd), "/dev/fuse"), nil
}

// Serve reads requests and calls the handler until the file system is unmounted
// or aborted, when it returns nil, or until ctx ends, when it returns the
// cause. After the latter the mount still stands, and requests already read
// and not answered can still be answered until Close. A Conn is served once; to
// go on, attach another to its File.
func (c *Conn) Serve(ctx context.Context, h Handler) error {
	c.mu.Lock()
	if c.closed || c.served {
		c.mu.Unlock()
		return ErrServing
	}
	c.served, c.serving = true, true
	c.mu.Unlock()
	err := c.link.serve(ctx, newDispatcher(h, &c.state, &c.opts))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.serving = false
	if err == nil && c.aborted {
		return ErrAborted
	}
	return err
}

// Close closes this process's descriptor. When no other process holds it, the
// kernel ends the connection, and a mount that still stands answers ENOTCONN.
// Close does not unmount; call it when Serve has returned.
func (c *Conn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil
	}
	if c.serving {
		return ErrServing
	}
	c.closed = true
	err := c.link.close()
	c.dev.release()
	return err
}
