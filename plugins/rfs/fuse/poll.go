package fuse

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// SettlePoll polls an existing file of a served mount once. The kernel learns
// from the answer that files are always ready and does not ask again. Only a
// process that opens files of its own mount needs it, such as a test: package
// os registers each file with epoll in a call that the Go scheduler does not
// know to block, and so may stop the goroutine that has to answer.
func SettlePoll(file string) error {
	fd, err := unix.Open(file, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("settle poll: open %s: %w", file, err)
	}
	defer unix.Close(fd)
	for {
		_, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
		if err == nil {
			return nil
		}
		if !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("settle poll: poll %s: %w", file, err)
		}
	}
}
