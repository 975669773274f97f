package fs

import (
	"fmt"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/safehold/safehold/plugins/rfs/fuse"
)

// The kernel asks a file system whether it supports poll(2) when a file is first
// polled, and takes "no" for all later files. The Go runtime polls every file it
// opens, in a call during which it counts as running; a program that uses its own
// mount can so stop itself for good. SettlePoll gets the question out of the way
// with a call that is known to block. It needs a file: pollName is one that only
// Lookup knows.

const (
	pollName = ".safehold:poll"
	pollNode = ^fuse.NodeID(0)
)

func pollEntry() fuse.Entry {
	return fuse.Entry{Node: pollNode, Attr: pollAttr()}
}

func pollAttr() fuse.Attr {
	return fuse.Attr{Ino: uint64(pollNode), Mode: unix.S_IFREG | 0o400, Nlink: 1, BlockSize: 4096}
}

// SettlePoll is called once the mount at path is served.
func SettlePoll(path string) error {
	name := filepath.Join(path, pollName)
	fd, err := unix.Open(name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("ask the new mount: %w", err)
	}
	defer unix.Close(fd)
	if _, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0); err != nil {
		return fmt.Errorf("ask the new mount: %w", err)
	}
	return nil
}
