package fuse

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// ErrBusy is returned by Unmount when files are open or somebody works below
// the mount.
var ErrBusy = errors.New("fuse: mount is busy")

// ErrNotMounted is returned when the mount is not (or no longer) seen at its
// path, for example because something else was mounted over it.
var ErrNotMounted = errors.New("fuse: not mounted")

// Unmount takes the mount away if nobody uses it; Serve then returns nil. Dirty
// pages are written first, so it must not be called on a reader.
func (c *Conn) Unmount() error { return c.unmount(0) }

// UnmountLazy takes the mount out of the tree at once. Who uses it still may go
// on; Serve returns when the last has finished.
func (c *Conn) UnmountLazy() error { return c.unmount(unix.MNT_DETACH) }

// Abort ends the connection: every unanswered and later request fails with
// ECONNABORTED or ENOTCONN, and Serve returns ErrAborted. The mount is
// taken out of the tree.
func (c *Conn) Abort() error {
	c.mu.Lock()
	c.aborted = true
	c.mu.Unlock()
	err := abortConnection(c.state.ID)
	if u := c.unmount(unix.MNT_DETACH | unix.MNT_FORCE); u != nil && !errors.Is(u, ErrNotMounted) {
		return u
	}
	if errors.Is(err, os.ErrNotExist) {
		return nil // the control file system is not mounted; MNT_FORCE has aborted
	}
	return err
}

// Remount makes the mount read-only or writable. Turning read-only writes dirty
// pages first and fails with ErrBusy while files are open for writing. It must
// not be called on a reader.
func (c *Conn) Remount(readOnly bool) error {
	m, err := c.seen()
	if err != nil {
		return err
	}
	flags := m.flags | unix.MS_REMOUNT
	if readOnly {
		flags |= unix.MS_RDONLY
	}
	err = unix.Mount("", c.state.Path, "", flags, "")
	return unmountError("remount", c.state.Path, err)
}

func (c *Conn) unmount(flags int) error {
	if _, err := c.seen(); err != nil {
		return err
	}
	err := unix.Unmount(c.state.Path, flags|unix.UMOUNT_NOFOLLOW)
	return unmountError("unmount", c.state.Path, err)
}

// seen returns the mount on top at the path if it is this one.
func (c *Conn) seen() (*mountPoint, error) {
	m, err := topMount(c.state.Path)
	if err != nil {
		return nil, err
	}
	if m == nil || m.fsType != fsType || m.minor != c.state.ID {
		return nil, fmt.Errorf("%s: %w", c.state.Path, ErrNotMounted)
	}
	return m, nil
}

func unmountError(what, path string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.EBUSY):
		return fmt.Errorf("%s %s: %w", what, path, ErrBusy)
	}
	return fmt.Errorf("%s %s: %w", what, path, err)
}

// abortConnection uses the control file system, where it is mounted.
func abortConnection(id uint32) error {
	name := fmt.Sprintf("/sys/fs/fuse/connections/%d/abort", id)
	if err := os.WriteFile(name, []byte("1"), 0); err != nil {
		return fmt.Errorf("abort fuse connection: %w", err)
	}
	return nil
}
