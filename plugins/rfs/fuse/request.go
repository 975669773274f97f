package fuse

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// ErrReplied is returned by a second answer to the same request.
var ErrReplied = errors.New("fuse: request was already answered")

// ErrGone is returned by an answer that the kernel no longer waits for,
// because the request was aborted or the file system unmounted.
var ErrGone = errors.New("fuse: the kernel no longer waits for this answer")

// Header tells who asks, and about which node. PID is 0 when the caller is
// outside this process's PID namespace; UID, GID and PID are not meaningful for
// writes that come from the page cache. Unique names the request, see
// SystemHandler.Interrupt.
type Header struct {
	Unique        uint64
	Node          NodeID
	UID, GID, PID uint32
}

// Resent tells that the kernel sends the request again after Conn.Resend. The
// process that read it first may have carried it out without answering.
func (h Header) Resent() bool { return h.Unique>>63 != 0 }

// Request is the part that all requests have in common. It is a value; copies
// stand for the same request.
type Request struct {
	Header
	slot *slot
}

// ReplyError answers with an error. Any error that wraps a syscall.Errno gives
// that number; other errors, nil among them, give EIO.
func (r Request) ReplyError(err error) error {
	if !r.claim() {
		return ErrReplied
	}
	return r.slot.send(r.Unique, toErrno(err), 0, nil)
}

// claim takes the right to answer; only the first caller gets it.
func (r Request) claim() bool {
	return r.slot != nil && r.slot.owed.CompareAndSwap(r.Unique, 0)
}

// open tells whether the request still owes its answer.
func (r Request) open() bool {
	return r.slot != nil && r.slot.owed.Load() == r.Unique
}

// body is where a fixed-size answer of n bytes is written before send.
func (r Request) body(n int) []byte {
	return r.slot.out[outHeaderSize : outHeaderSize+n]
}

// sendBody sends the answer of n bytes written to body.
func (r Request) sendBody(n int) error { return r.slot.send(r.Unique, 0, n, nil) }

// sendData sends data as the answer.
func (r Request) sendData(data []byte) error { return r.slot.send(r.Unique, 0, 0, data) }

// AckRequest is a request whose answer is only success or an error.
type AckRequest struct{ Request }

// Reply answers with success when err is nil, else as ReplyError does.
func (r AckRequest) Reply(err error) error {
	if err != nil {
		return r.ReplyError(err)
	}
	if !r.claim() {
		return ErrReplied
	}
	return r.sendBody(0)
}

// EntryRequest is a request whose answer is a name's entry.
type EntryRequest struct{ Request }

// Reply answers with the entry.
func (r EntryRequest) Reply(e Entry) error {
	if !r.claim() {
		return ErrReplied
	}
	e.encode(r.body(entrySize))
	return r.sendBody(entrySize)
}

// OpenedRequest is a request whose answer is a handle.
type OpenedRequest struct{ Request }

// Reply answers with the handle.
func (r OpenedRequest) Reply(o Opened) error {
	if !r.claim() {
		return ErrReplied
	}
	o.encode(r.body(openedSize))
	return r.sendBody(openedSize)
}

// CreatedRequest is a request whose answer is a new entry, opened.
type CreatedRequest struct{ Request }

// Reply answers with the entry and the handle.
func (r CreatedRequest) Reply(e Entry, o Opened) error {
	if !r.claim() {
		return ErrReplied
	}
	b := r.body(entrySize + openedSize)
	e.encode(b)
	o.encode(b[entrySize:])
	return r.sendBody(len(b))
}

// toErrno gives the error number the kernel is told; never 0.
func toErrno(err error) unix.Errno {
	var e unix.Errno
	if !errors.As(err, &e) || e == 0 || e >= 512 {
		return unix.EIO
	}
	return e
}

// replyFailure says what became of an answer that write(2) refused.
func replyFailure(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENODEV), errors.Is(err, unix.EPERM),
		errors.Is(err, unix.ENOTCONN), errors.Is(err, unix.ECONNABORTED), errors.Is(err, unix.EBADF):
		return ErrGone
	}
	return fmt.Errorf("write fuse answer: %w", err)
}
