package fuse

import (
	"context"
	"testing"

	"golang.org/x/sys/unix"
)

// fakeKernel is the other end of a connection: a socket that keeps message
// boundaries, as /dev/fuse does.
type fakeKernel struct {
	fd   int
	last uint64
	in   [4096]byte
}

// serveFake serves h over a fake kernel until the test ends.
func serveFake(t testing.TB, h Handler) *fakeKernel {
	t.Helper()
	return serveFakeWith(t, h, Options{})
}

func serveFakeWith(t testing.TB, h Handler, o Options) *fakeKernel {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	o, err = o.complete()
	if err != nil {
		t.Fatal(err)
	}
	st := State{Path: "/", Minor: protoMinor, Features: defaultFeatures, MaxWrite: o.MaxWrite, MaxRead: o.MaxWrite}
	c, err := newConn(pair[0], st, o)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- c.Serve(context.Background(), h) }()
	k := &fakeKernel{fd: pair[1]}
	t.Cleanup(func() {
		unix.Close(k.fd)
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
		if err := c.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return k
}

// message makes a request with a fresh Unique.
func (k *fakeKernel) message(op uint32, node uint64, body []byte) []byte {
	k.last += 2
	return message(op, k.last, node, body)
}

func message(op uint32, unique, node uint64, body []byte) []byte {
	m := make([]byte, inHeaderSize, inHeaderSize+len(body))
	putU32(m, 0, uint32(inHeaderSize+len(body)))
	putU32(m, 4, op)
	putU64(m, 8, unique)
	putU64(m, 16, node)
	putU32(m, 24, 1000)
	putU32(m, 28, 1001)
	putU32(m, 32, 1002)
	return append(m, body...)
}

// writeBody is the body of a write of data at offset.
func writeBody(handle, off uint64, data []byte) []byte {
	b := make([]byte, writeInSize, writeInSize+len(data))
	putU64(b, 0, handle)
	putU64(b, 8, off)
	putU32(b, 16, uint32(len(data)))
	return append(b, data...)
}

func (k *fakeKernel) send(t testing.TB, msg []byte) {
	if _, err := unix.Write(k.fd, msg); err != nil {
		t.Fatal(err)
	}
}

// answer reads one answer: its Unique, its error number and its body, which is
// valid until the next call.
func (k *fakeKernel) answer(t testing.TB) (unique uint64, errno unix.Errno, body []byte) {
	n, err := unix.Read(k.fd, k.in[:])
	if err != nil || n < outHeaderSize || int(getU32(k.in[:], 0)) != n {
		t.Fatalf("answer of %d bytes: %v", n, err)
	}
	return getU64(k.in[:], 8), unix.Errno(-int32(getU32(k.in[:], 4))), k.in[outHeaderSize:n]
}
