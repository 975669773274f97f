// Command guest is the whole user space of the virtual machine in the
// demonstration: the first and only process of its kernel. It finds the records
// on its disk, tells how many it recovered, and goes on writing numbered
// records, telling of each one on the console after it is durable. The power
// button ends it in good order.
//
// What it tells, one line each; the full stop shows that a number is whole:
//
//	recovered 1234.   at boot: records 1 to 1234 are on the disk, whole
//	ack 1235.         record 1235 is durable
//	closed 1235.      the power button was pressed, 1235 was the last record
//	failed ...        something went wrong; the machine powers off
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// pause between two records, so that a demonstration leaves the processor some room.
const pause = 2 * time.Millisecond

func main() {
	tell("\n") // an earlier boot may have ended in the middle of a line
	if err := life(); err != nil {
		tell("failed %v\n", err)
	}
	unix.Sync()
	if err := unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF); err != nil {
		tell("failed power off: %v\n", err)
	}
	select {} // a kernel without its first process panics
}

// tell prints and waits until the console has it.
func tell(format string, args ...any) {
	fmt.Printf(format, args...)
	// What cannot be waited for was printed all the same.
	_ = unix.IoctlSetInt(int(os.Stdout.Fd()), unix.TCSBRK, 1)
}

func life() error {
	if err := os.MkdirAll("/dev", 0o755); err != nil {
		return err
	}
	if err := unix.Mount("dev", "/dev", "devtmpfs", 0, ""); err != nil {
		return fmt.Errorf("mount /dev: %w", err)
	}
	if err := loadModules("/modules"); err != nil {
		return err
	}
	button, err := powerButton()
	if err != nil {
		return err
	}
	disk, err := openDisk("/dev/vda")
	if err != nil {
		return err
	}
	last, err := disk.recover()
	if err != nil {
		return err
	}
	tell("recovered %d.\n", last)
	for {
		select {
		case <-button:
			tell("closed %d.\n", last)
			return nil
		case <-time.After(pause):
		}
		if err := disk.write(last + 1); err != nil {
			return err
		}
		last++
		tell("ack %d.\n", last)
	}
}

// loadModules gives the kernel the drivers in dir, in the order of their names.
func loadModules(dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.ko"))
	if err != nil {
		return err
	}
	for _, name := range files {
		image, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if err := unix.InitModule(image, ""); err != nil {
			return fmt.Errorf("load %s: %w", name, err)
		}
	}
	return nil
}
