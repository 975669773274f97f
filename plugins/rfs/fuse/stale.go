package fuse

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Health is what DetectStale finds at a path.
type Health int

// Healths of a path.
const (
	// NotMounted: no file system of this kind is mounted there.
	NotMounted Health = iota
	// Alive: a server answers.
	Alive
	// Dead: the server is gone, every access fails with ENOTCONN.
	Dead
	// Unresponsive: the server holds the connection but did not answer in time.
	Unresponsive
)

// String returns the health in words.
func (h Health) String() string {
	switch h {
	case NotMounted:
		return "not mounted"
	case Alive:
		return "alive"
	case Dead:
		return "dead"
	case Unresponsive:
		return "unresponsive"
	}
	return fmt.Sprintf("health %d", int(h))
}

// DetectStale tells whether a mount of this kind at path has a live server. It
// waits for an answer until ctx ends; the caller should give it a deadline,
// and must not be the server itself unless it is serving.
func DetectStale(ctx context.Context, path string) (Health, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return NotMounted, fmt.Errorf("look at mount: %w", err)
	}
	m, err := topMount(path)
	if err != nil {
		return NotMounted, err
	}
	if m == nil || m.fsType != fsType {
		return NotMounted, nil
	}
	answer := make(chan error, 1)
	// The goroutine outlives this call while the server does not answer: a
	// thread that waits for a file system cannot be called back.
	go func() {
		var fs unix.Statfs_t
		answer <- unix.Statfs(path, &fs)
	}()
	select {
	case <-ctx.Done():
		return Unresponsive, nil
	case err := <-answer:
		return healthOf(path, err)
	}
}

func healthOf(path string, err error) (Health, error) {
	switch {
	case err == nil, errors.Is(err, unix.ENOSYS):
		return Alive, nil
	case errors.Is(err, unix.ENOTCONN), errors.Is(err, unix.ECONNABORTED):
		return Dead, nil
	}
	return Alive, fmt.Errorf("statfs %s: %w", path, err)
}

// Detach aborts and takes away every mount of this kind that lies on top at
// path, whether its server lives or not, and returns how many there were. Other
// mounts are left alone. Use it to clean up after a server that died.
func Detach(path string) (int, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return 0, fmt.Errorf("detach mount: %w", err)
	}
	for n := 0; ; n++ {
		m, err := topMount(path)
		if err != nil || m == nil || m.fsType != fsType {
			return n, err
		}
		// Without the control file system, MNT_FORCE aborts as well.
		_ = abortConnection(m.minor)
		err = unix.Unmount(path, unix.MNT_DETACH|unix.MNT_FORCE|unix.UMOUNT_NOFOLLOW)
		if err != nil {
			return n, fmt.Errorf("detach mount %s: %w", path, err)
		}
	}
}
