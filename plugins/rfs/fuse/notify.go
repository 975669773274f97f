package fuse

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Codes of messages that the server sends of its own accord.
const (
	notifyInvalInode = 2
	notifyInvalEntry = 3
	notifyStore      = 4
	notifyDelete     = 6
	notifyResend     = 7
)

// NotifyInode makes the kernel forget the attributes of a node and its cached
// data in [off, off+length); length 0 means to the end, a negative off the
// attributes only. Unknown nodes are no error. See the package comment for
// which goroutines may call it.
func (c *Conn) NotifyInode(node NodeID, off, length int64) error {
	b := make([]byte, outHeaderSize+24)
	putU64(b, 16, uint64(node))
	putU64(b, 24, uint64(off))
	putU64(b, 32, uint64(length))
	return c.notify(notifyInvalInode, b)
}

// NotifyEntry makes the kernel forget a name; with expire it keeps using it but
// asks again at the next lookup. Unknown names are no error.
func (c *Conn) NotifyEntry(parent NodeID, name string, expire bool) error {
	b := make([]byte, outHeaderSize+16, outHeaderSize+16+len(name)+1)
	putU64(b, 16, uint64(parent))
	putU32(b, 24, uint32(len(name)))
	if expire && c.state.Features&FeatureExpireOnly != 0 {
		putU32(b, 28, 1)
	}
	return c.notify(notifyInvalEntry, append(append(b, name...), 0))
}

// NotifyDelete tells that a name of child was removed behind the kernel's back,
// so that watchers hear of it. Unknown names are no error.
func (c *Conn) NotifyDelete(parent, child NodeID, name string) error {
	b := make([]byte, outHeaderSize+24, outHeaderSize+24+len(name)+1)
	putU64(b, 16, uint64(parent))
	putU64(b, 24, uint64(child))
	putU32(b, 32, uint32(len(name)))
	return c.notify(notifyDelete, append(append(b, name...), 0))
}

// NotifyStore puts data into the kernel's page cache of a node, extending its
// size if need be. Pages that are not cached yet are kept only when the data
// fill them or reach the end of the file. Unknown nodes are no error.
func (c *Conn) NotifyStore(node NodeID, off int64, data []byte) error {
	b := make([]byte, outHeaderSize+24, outHeaderSize+24+len(data))
	putU64(b, 16, uint64(node))
	putU64(b, 24, uint64(off))
	putU32(b, 32, uint32(len(data)))
	return c.notify(notifyStore, append(b, data...))
}

// Resend asks the kernel to send again every request that was read and not
// answered; needs FeatureResend. A process that adopts the connection of a dead
// one calls it once, before Serve.
func (c *Conn) Resend() error {
	if c.state.Features&FeatureResend == 0 {
		return fmt.Errorf("resend fuse requests: %w (the kernel is older than 6.9)", unix.EOPNOTSUPP)
	}
	return c.notify(notifyResend, make([]byte, outHeaderSize))
}

func (c *Conn) notify(code uint32, msg []byte) error {
	putU32(msg, 0, uint32(len(msg)))
	putU32(msg, 4, code)
	putU64(msg, 8, 0)
	c.dev.retain()
	defer c.dev.release()
	_, err := unix.Write(c.dev.fd, msg)
	switch {
	case err == nil, errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENOTDIR):
		return nil
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.ENODEV), errors.Is(err, unix.EBADF), errors.Is(err, unix.ENOTCONN):
		return ErrGone
	}
	return fmt.Errorf("notify kernel (code %d): %w", code, err)
}
