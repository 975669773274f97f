package lab

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// disk is the ext4 image a node lives on.
type disk struct {
	image string
	loop  string
}

// createDisk makes a sparse image of the size in bytes with an ext4 on it.
func createDisk(ctx context.Context, image string, size int64) (*disk, error) {
	f, err := os.OpenFile(image, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create disk: %w", err)
	}
	defer f.Close()
	if err := f.Truncate(size); err != nil {
		return nil, fmt.Errorf("create disk: %w", err)
	}
	if err := run(ctx, "mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=1,lazy_journal_init=1", image); err != nil {
		return nil, err
	}
	return &disk{image: image}, nil
}

// attach gives the image a loop device.
func (d *disk) attach(ctx context.Context) error {
	out, err := output(ctx, "losetup", "--find", "--show", d.image)
	if err != nil {
		return err
	}
	d.loop = strings.TrimSpace(out)
	return nil
}

// detach waits until no mount holds the loop device any more and frees it.
func (d *disk) detach(ctx context.Context) error {
	if d.loop == "" {
		return nil
	}
	// The device goes away with its last user; a dying namespace may take a moment.
	if err := run(ctx, "losetup", "--detach", d.loop); err != nil {
		return err
	}
	for {
		out, err := output(ctx, "losetup", "--associated", d.image)
		if err != nil {
			return err
		}
		if strings.TrimSpace(out) == "" {
			d.loop = ""
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("disk %s is still in use: %w", d.image, ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// ext4 shutdown, _IOR('X', 125, __u32), and its flag for "do not flush the log".
const (
	fsIOCShutdown = 0x8004587d
	noLogFlush    = 2
)

// dropFS stops the file system that fd is on at once: nothing that was not
// synced reaches the disk any more, as in a power cut.
func dropFS(fd int) error {
	return unix.IoctlSetPointerInt(fd, fsIOCShutdown, noLogFlush)
}

func run(ctx context.Context, name string, args ...string) error {
	_, err := output(ctx, name, args...)
	return err
}

func output(ctx context.Context, name string, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return string(out), nil
}
