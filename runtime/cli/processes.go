package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"syscall"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"
)

// process is one process of the machine.
type process struct {
	pid, parent int
	name        string // as the kernel has it, at most 15 bytes
	words       []string
}

// text is the whole command; a kernel thread has its name in brackets.
func (p process) text() string {
	if len(p.words) == 0 {
		return "[" + p.name + "]"
	}
	return strings.Join(p.words, " ")
}

// named tells whether the process has the command name.
func (p process) named(name string) bool {
	if p.name == name || len(p.name) == 15 && strings.HasPrefix(name, p.name) {
		return true
	}
	return len(p.words) > 0 && p.words[0][strings.LastIndexByte(p.words[0], '/')+1:] == name
}

// processes lists the processes of the machine in order of their ids, without
// this command itself.
func processes() ([]process, error) {
	all, err := procfs.AllProcs()
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var out []process
	for _, p := range all {
		stat, err := p.Stat()
		if err != nil || p.PID == os.Getpid() {
			continue // it ended
		}
		words, err := p.CmdLine()
		if err != nil {
			continue
		}
		out = append(out, process{pid: p.PID, parent: stat.PPID, name: stat.Comm, words: words})
	}
	slices.SortFunc(out, func(a, b process) int { return a.pid - b.pid })
	return out, nil
}

// matching selects by command name ("" or "all": any) and by an extended
// regular expression on the whole command ("": any).
func matching(all []process, name, expr string) ([]process, error) {
	re, err := regexp.Compile(expr)
	if err != nil {
		return nil, fmt.Errorf("regular expression %q: %w", expr, err)
	}
	var out []process
	for _, p := range all {
		if (name == "" || name == "all" || p.named(name)) && re.MatchString(p.text()) {
			out = append(out, p)
		}
	}
	return out, nil
}

// signal sends a signal to the process unless its id has gone to another one.
// A process that ended already is fine.
func (p process) signal(s syscall.Signal) error {
	fd, err := unix.PidfdOpen(p.pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("signal process %d: %w", p.pid, err)
	}
	defer unix.Close(fd)
	now, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", p.pid))
	if errors.Is(err, fs.ErrNotExist) || err == nil && strings.TrimRight(string(now), "\x00") != strings.Join(p.words, "\x00") {
		return nil
	}
	err = unix.PidfdSendSignal(fd, s, nil, 0)
	if err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("signal process %d: %w", p.pid, err)
	}
	return nil
}

// vital tells that no command of ours may end the process: the first one,
// kernel threads, and the callers of this command.
func vital(all []process) func(process) bool {
	parent := map[int]int{}
	for _, p := range all {
		parent[p.pid] = p.parent
	}
	callers := map[int]bool{}
	for pid := os.Getppid(); pid > 1 && !callers[pid]; pid = parent[pid] {
		callers[pid] = true
	}
	return func(p process) bool { return p.pid <= 2 || p.parent == 2 || callers[p.pid] }
}
