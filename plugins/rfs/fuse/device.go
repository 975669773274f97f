package fuse

import (
	"fmt"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// device is one descriptor of the connection. It is shared by its reader and
// the requests read from it, because the kernel takes an answer only on the
// descriptor that delivered the request. The number is given back when the last
// of them has let go, so a late answer never reaches a foreign file.
type device struct {
	fd   int
	refs atomic.Int32
}

// newDevice owns fd, with one reference for the caller.
func newDevice(fd int) *device {
	d := &device{fd: fd}
	d.refs.Store(1)
	return d
}

// clone opens another descriptor of the same connection.
func (d *device) clone() (*device, error) {
	fd, err := openDevice()
	if err != nil {
		return nil, err
	}
	const devIocClone = 0x8004e500
	if err := unix.IoctlSetPointerInt(fd, devIocClone, d.fd); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("clone fuse descriptor: %w", err)
	}
	return newDevice(fd), nil
}

// reply writes an answer.
func (d *device) reply(s *slot, head, data []byte) error {
	s.vec[0].Base = &head[0]
	s.vec[0].SetLen(len(head))
	n := uintptr(1)
	if len(data) > 0 {
		s.vec[1].Base = &data[0]
		s.vec[1].SetLen(len(data))
		n = 2
	}
	_, _, errno := unix.Syscall(unix.SYS_WRITEV, uintptr(d.fd), uintptr(unsafe.Pointer(&s.vec[0])), n)
	s.vec[0].Base, s.vec[1].Base = nil, nil
	if errno != 0 {
		return errno
	}
	return nil
}

// hangUp closes the descriptor towards the kernel at once, while its number
// stays taken. Answers then fail with EBADF.
func (d *device) hangUp() error {
	null, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("hang up fuse descriptor: open /dev/null: %w", err)
	}
	defer unix.Close(null)
	if err := unix.Dup3(null, d.fd, unix.O_CLOEXEC); err != nil {
		return fmt.Errorf("hang up fuse descriptor: %w", err)
	}
	return nil
}

func (d *device) retain() { d.refs.Add(1) }

func (d *device) release() {
	if d.refs.Add(-1) == 0 {
		unix.Close(d.fd)
	}
}

// openDevice opens /dev/fuse, not yet connected.
func openDevice() (int, error) {
	fd, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("open /dev/fuse (is the fuse module loaded, and is this root?): %w", err)
	}
	return fd, nil
}
