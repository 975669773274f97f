package fuse

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// mountPoint is one line of /proc/self/mountinfo (proc(5)).
type mountPoint struct {
	path   string
	fsType string
	flags  uintptr // nosuid, nodev and noexec, as for mount(2)
	minor  uint32  // of the device, which is the number of a FUSE connection
}

// topMount returns the mount that is seen at exactly this path, nil when there
// is none. It reads /proc only and so never waits for a file system.
func topMount(path string) (*mountPoint, error) {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("list mounts: %w", err)
	}
	defer f.Close()
	mounts, err := parseMounts(f)
	if err != nil {
		return nil, fmt.Errorf("list mounts: %w", err)
	}
	var top *mountPoint
	for i := range mounts {
		if mounts[i].path == path {
			top = &mounts[i] // later lines lie on top of earlier ones
		}
	}
	return top, nil
}

// parseMounts reads mountinfo; lines of an unknown form are passed over.
func parseMounts(r io.Reader) ([]mountPoint, error) {
	var out []mountPoint
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		before, after, ok := strings.Cut(lines.Text(), " - ")
		left, right := strings.Fields(before), strings.Fields(after)
		if !ok || len(left) < 6 || len(right) < 1 {
			continue
		}
		_, minor, _ := strings.Cut(left[2], ":")
		n, err := strconv.ParseUint(minor, 10, 32)
		if err != nil {
			continue
		}
		out = append(out, mountPoint{unescape(left[4]), right[0], mountFlags(left[5]), uint32(n)})
	}
	return out, lines.Err()
}

// mountFlags turns the options that Mount inherits back into flags.
func mountFlags(options string) uintptr {
	var flags uintptr
	for o := range strings.SplitSeq(options, ",") {
		switch o {
		case "nosuid":
			flags |= unix.MS_NOSUID
		case "nodev":
			flags |= unix.MS_NODEV
		case "noexec":
			flags |= unix.MS_NOEXEC
		}
	}
	return flags
}

// unescape undoes the octal escapes \040, \011, \012 and \134.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
