package fuse

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// fsType is what /proc/mounts shows; the part behind the dot is the subtype.
const fsType = "fuse.safekit"

// ErrMounted is returned by Mount when a file system of this kind is mounted on
// the path already. Ask DetectStale whether it lives, and Detach a dead one.
var ErrMounted = errors.New("fuse: already mounted")

// Mount mounts over the directory path and agrees with the kernel on the
// protocol. Whoever touches the directory then waits until Serve is called, the
// calling process included. The caller must be root. Flags nosuid, nodev,
// noexec of the file system underneath hold for the mount too.
func Mount(ctx context.Context, path string, o Options) (*Conn, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	path, dir, err := target(path, o.Dir)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	fd, err := openDevice()
	if err != nil {
		return nil, err
	}
	if err := mountOver(dir, fd, &o); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("mount fuse on %s: %w", path, err)
	}
	c, err := connect(path, fd, o)
	if err != nil {
		unix.Close(fd)
		return nil, errors.Join(fmt.Errorf("mount fuse on %s: %w", path, err), unix.Unmount(path, unix.MNT_DETACH))
	}
	return c, nil
}

// connect agrees with the kernel and finds the mount's number. On error fd is
// still the caller's.
func connect(path string, fd int, o Options) (*Conn, error) {
	st, err := handshake(fd, &o)
	if err != nil {
		return nil, err
	}
	m, err := topMount(path)
	if err != nil {
		return nil, err
	}
	if m == nil || m.fsType != fsType {
		return nil, errors.New("the new mount is not visible in /proc/self/mountinfo")
	}
	st.Path, st.ID = path, m.minor
	// The connection owns a duplicate, so that fd stays the caller's on error.
	dup, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	o.MaxWrite = st.MaxWrite
	c, err := newConn(dup, st, o)
	if err != nil {
		return nil, err
	}
	return c, unix.Close(fd)
}

// mountOver calls mount(2) on the directory behind the descriptor.
func mountOver(dir *os.File, fd int, o *Options) error {
	var fs unix.Statfs_t
	if err := unix.Fstatfs(int(dir.Fd()), &fs); err != nil {
		return fmt.Errorf("statfs: %w", err)
	}
	// ST_NOSUID, ST_NODEV and ST_NOEXEC have the values of their MS_ twins.
	flags := uintptr(fs.Flags) & (unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC)
	if o.ReadOnly {
		flags |= unix.MS_RDONLY
	}
	data := fmt.Sprintf("fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions,max_read=%d", fd, o.MaxWrite)
	return unix.Mount(o.Source, fmt.Sprintf("/proc/self/fd/%d", dir.Fd()), fsType, flags, data)
}

// target returns the absolute path without links, and the directory to mount
// over, opened. It asks for no file below a mount of this kind.
func target(path string, held *os.File) (string, *os.File, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", nil, fmt.Errorf("mount fuse: %w", err)
	}
	if m, err := topMount(path); err != nil {
		return "", nil, err
	} else if m != nil && m.fsType == fsType {
		return "", nil, fmt.Errorf("mount fuse on %s: %w", path, ErrMounted)
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return "", nil, fmt.Errorf("mount fuse: %w", err)
	}
	fd, err := unix.Open(path, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", nil, fmt.Errorf("mount fuse: open directory %s: %w", path, err)
	}
	dir := os.NewFile(uintptr(fd), path)
	if held == nil {
		return path, dir, nil
	}
	same, err := sameFile(held, dir)
	if err == nil && !same {
		err = errors.New("the path no longer names the directory that is held open")
	}
	if err != nil {
		dir.Close()
		return "", nil, fmt.Errorf("mount fuse on %s: %w", path, err)
	}
	return path, dir, nil
}

func sameFile(a, b *os.File) (bool, error) {
	var x, y unix.Stat_t
	if err := unix.Fstat(int(a.Fd()), &x); err != nil {
		return false, err
	}
	if err := unix.Fstat(int(b.Fd()), &y); err != nil {
		return false, err
	}
	return x.Dev == y.Dev && x.Ino == y.Ino, nil
}
