package errd

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// maxCommandLine bounds what is read of a command line, bytes.
const maxCommandLine = 64 << 10

// Process is one running process.
type Process struct {
	Comm string // the kernel's name, at most 15 bytes
	dir  string // its folder in /proc
	args string
	read bool
}

// CommandLine gives executable and arguments with blanks between, read when
// first asked for; "" for a process that is gone or a kernel thread.
func (p *Process) CommandLine() string {
	if p.read {
		return p.args
	}
	p.read = true
	f, err := os.Open(filepath.Join(p.dir, "cmdline"))
	if err != nil {
		return ""
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxCommandLine))
	if err != nil {
		return ""
	}
	p.args = string(bytes.ReplaceAll(bytes.TrimRight(raw, "\x00"), []byte{0}, []byte{' '}))
	return p.args
}

// Scan lists the running processes below a /proc folder: one small read each.
// Zombies do not run.
func Scan(root string) ([]Process, error) {
	d, err := os.Open(root)
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	buf := make([]byte, 512)
	var all []Process
	for _, name := range names {
		if name[0] < '1' || name[0] > '9' {
			continue
		}
		dir := root + "/" + name
		if comm, ok := stat(dir+"/stat", buf); ok {
			all = append(all, Process{Comm: comm, dir: dir})
		}
	}
	return all, nil
}

// stat reads name and state: "pid (name) S …"; the name may hold anything.
func stat(path string, buf []byte) (comm string, runs bool) {
	f, err := os.Open(path)
	if err != nil {
		return "", false // gone since the listing
	}
	defer f.Close()
	n, err := f.Read(buf)
	if err != nil {
		return "", false
	}
	return parseStat(buf[:n])
}

func parseStat(raw []byte) (comm string, runs bool) {
	open, end := bytes.IndexByte(raw, '('), bytes.LastIndexByte(raw, ')')
	if open < 0 || end < open || end+2 >= len(raw) {
		return "", false
	}
	state := raw[end+2]
	return string(raw[open+1 : end]), state != 'Z' && state != 'X'
}
