package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// guestPackage is the program that the virtual machine runs.
const guestPackage = "github.com/safehold/safehold/tools/lab/guest"

// guestModules are the drivers of its disk and of its power button.
var guestModules = []string{"virtio_pci", "virtio_blk", "button", "evdev"}

// Sizes of the machine's disk, bytes: what the guest writes its records into,
// and what lies there besides, so that a resynchronisation takes its time.
const (
	recordsSize = 1 << 30
	payloadSize = 128 << 20
)

// BuildGuest makes a virtual machine's files in dir out of what this machine
// has: a kernel, an initramfs with drivers and one program, a disk without
// records. It needs the Go tools, the source tree as the working directory, and
// no network. Files: vmlinux, initrd, disk.qcow2.
func BuildGuest(ctx context.Context, dir string) error {
	version, err := guestKernel("/boot", "/lib/modules")
	if err != nil {
		return err
	}
	if err := uncompressKernel(ctx, "/boot/vmlinuz-"+version, filepath.Join(dir, "vmlinux")); err != nil {
		return err
	}
	if err := buildInitramfs(ctx, version, filepath.Join(dir, "initrd")); err != nil {
		return err
	}
	return buildDisk(ctx, filepath.Join(dir, "disk.qcow2"))
}

// guestKernel is the newest kernel that has both an image and drivers.
func guestKernel(boot, modules string) (string, error) {
	images, err := filepath.Glob(filepath.Join(boot, "vmlinuz-*"))
	if err != nil {
		return "", err
	}
	slices.Sort(images)
	for _, image := range slices.Backward(images) {
		version := strings.TrimPrefix(filepath.Base(image), "vmlinuz-")
		if _, err := os.Stat(filepath.Join(modules, version, "modules.dep")); err == nil {
			return version, nil
		}
	}
	return "", fmt.Errorf("no kernel for the guest: %s/vmlinuz-* with its drivers is missing (run make setup-kvm)", boot)
}

// buildInitramfs packs the guest's program as /init and its drivers, numbered
// in the order in which they are to be loaded.
func buildInitramfs(ctx context.Context, version, file string) (err error) {
	root, err := os.MkdirTemp(filepath.Dir(file), "initramfs-")
	if err != nil {
		return fmt.Errorf("build initramfs: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(root)) }()
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", filepath.Join(root, "init"), guestPackage)
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build the guest's program (run this inside the source tree): %w: %s", err, out)
	}
	if err := os.Mkdir(filepath.Join(root, "modules"), 0o755); err != nil {
		return fmt.Errorf("build initramfs: %w", err)
	}
	drivers, err := guestDrivers(ctx, version)
	if err != nil {
		return err
	}
	for i, driver := range drivers {
		name, _, _ := strings.Cut(filepath.Base(driver), ".")
		if err := copyDriver(ctx, driver, filepath.Join(root, "modules", fmt.Sprintf("%02d-%s.ko", i, name))); err != nil {
			return err
		}
	}
	return packInitramfs(ctx, root, file)
}

// guestDrivers lists driver files, those that others need before them.
func guestDrivers(ctx context.Context, version string) ([]string, error) {
	var files []string
	for _, module := range guestModules {
		out, err := output(ctx, "modprobe", "--set-version", version, "--show-depends", module)
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(out) {
			// "insmod /lib/modules/.../virtio.ko", or "builtin virtio"
			words := strings.Fields(line)
			if len(words) == 2 && words[0] == "insmod" && !slices.Contains(files, words[1]) {
				files = append(files, words[1])
			}
		}
	}
	return files, nil
}

// copyDriver uncompresses what some distributions compress.
func copyDriver(ctx context.Context, from, to string) error {
	if strings.HasSuffix(from, ".ko") {
		return copyFile(from, to, 0o644)
	}
	packed, err := os.ReadFile(from)
	if err != nil {
		return fmt.Errorf("copy driver: %w", err)
	}
	in, err := uncompress(ctx, packed)
	if err != nil {
		return fmt.Errorf("copy driver %s: %w", from, err)
	}
	plain, err := io.ReadAll(in)
	if err := errors.Join(err, in.Close()); err != nil {
		return fmt.Errorf("copy driver %s: %w", from, err)
	}
	return os.WriteFile(to, plain, 0o644)
}

func packInitramfs(ctx context.Context, root, file string) error {
	out, err := os.Create(file)
	if err != nil {
		return fmt.Errorf("pack initramfs: %w", err)
	}
	cpio := exec.CommandContext(ctx, "cpio", "--create", "--format=newc", "--quiet", "--owner=0:0")
	names, err := treeNames(root)
	if err != nil {
		return errors.Join(err, out.Close())
	}
	cpio.Dir, cpio.Stdin, cpio.Stdout = root, strings.NewReader(names), out
	if err := errors.Join(cpio.Run(), out.Close()); err != nil {
		return fmt.Errorf("pack initramfs with cpio: %w", err)
	}
	return nil
}

// treeNames lists what lies below root, one relative name a line, folders first.
func treeNames(root string) (string, error) {
	var b strings.Builder
	err := filepath.WalkDir(root, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if rel, _ := filepath.Rel(root, path); rel != "." {
			fmt.Fprintln(&b, rel)
		}
		return nil
	})
	return b.String(), err
}

// buildDisk makes a qcow2 image: room for records, then a payload of noise.
func buildDisk(ctx context.Context, file string) (err error) {
	raw := file + ".raw"
	defer func() { err = errors.Join(err, os.RemoveAll(raw)) }()
	if err := run(ctx, "dd", "if=/dev/urandom", "of="+raw, "bs=1M", "status=none",
		fmt.Sprintf("seek=%d", recordsSize>>20), fmt.Sprintf("count=%d", payloadSize>>20)); err != nil {
		return err
	}
	return run(ctx, "qemu-img", "convert", "-q", "-f", "raw", "-O", "qcow2", raw, file)
}
