package lab

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/google/uuid"
	"golang.org/x/sys/unix"
)

// initEnv marks the process that becomes the first process of a node; its value
// is "hostname:loop device:folder of the lab".
const initEnv = "SAFEHOLD_LAB_INIT"

// diskMount is where a node sees its whole disk.
const diskMount = "/mnt"

// clientMount is where a node sees the lab's folder, which no power cut touches:
// what is written there counts as told to a client.
const clientMount = "/media"

// bound are the folders that each node has of its own, on its disk.
var bound = []string{"/opt/safekit", "/var/safekit", "/srv", "/etc/libvirt", "/var/lib/libvirt", "/var/log/libvirt", "/var/cache/libvirt"}

// Main turns the calling process into a node's first process when it was
// started as one; otherwise it returns at once. Call it first in main.
func Main() {
	spec := os.Getenv(initEnv)
	if spec == "" {
		return
	}
	if err := nodeInit(spec); err != nil {
		fmt.Fprintln(os.Stderr, "lab node:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// nodeInit prepares the namespaces it was born in, tells its parent on
// descriptor 3, and reaps orphans until it is killed.
func nodeInit(spec string) error {
	words := strings.SplitN(spec, ":", 3)
	if len(words) != 3 {
		return fmt.Errorf("%s=%q: want host name, loop device and folder", initEnv, spec)
	}
	host, loop, dir := words[0], words[1], words[2]
	if err := unix.Sethostname([]byte(host)); err != nil {
		return fmt.Errorf("set host name: %w", err)
	}
	if err := mounts(loop, dir); err != nil {
		return err
	}
	ready := os.NewFile(3, "ready")
	if _, err := ready.WriteString("ready"); err != nil {
		return fmt.Errorf("tell the lab: %w", err)
	}
	ready.Close()
	children := make(chan os.Signal, 16)
	signal.Notify(children, syscall.SIGCHLD)
	signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	for range children {
		for {
			pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
			if pid <= 0 || err != nil {
				break
			}
		}
	}
	return nil
}

func mounts(loop, lab string) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	if err := unix.Mount(loop, diskMount, "ext4", 0, ""); err != nil {
		return fmt.Errorf("mount disk %s: %w", loop, err)
	}
	if err := unix.Mount(lab, clientMount, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("bind %s: %w", lab, err)
	}
	for _, dir := range bound {
		own := filepath.Join(diskMount, dir)
		if err := os.MkdirAll(own, 0o755); err != nil {
			return fmt.Errorf("prepare disk: %w", err)
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("prepare %s: %w", dir, err)
		}
		if err := unix.Mount(own, dir, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("bind %s: %w", dir, err)
		}
	}
	for _, m := range []struct{ fs, at string }{{"proc", "/proc"}, {"tmpfs", "/run"}, {"tmpfs", "/tmp"}, {"sysfs", "/sys"}} {
		if err := unix.Mount(m.fs, m.at, m.fs, unix.MS_NOSUID|unix.MS_NODEV, ""); err != nil {
			return fmt.Errorf("mount %s: %w", m.at, err)
		}
	}
	return newBootID()
}

// newBootID makes the node look freshly booted to whoever asks the kernel.
func newBootID() error {
	const own, kernels = "/run/boot_id", "/proc/sys/kernel/random/boot_id"
	if err := os.WriteFile(own, []byte(uuid.NewString()+"\n"), 0o444); err != nil {
		return fmt.Errorf("make a boot id: %w", err)
	}
	if err := unix.Mount(own, kernels, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("bind the boot id: %w", err)
	}
	return nil
}
