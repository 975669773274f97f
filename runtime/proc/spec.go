package proc

import (
	"io"
	"os"
	"strconv"
	"syscall"
	"time"
)

// DefaultGrace is the time between TERM and KILL where a Spec names none.
const DefaultGrace = 5 * time.Second

// Spec says what to run. No shell is involved.
type Spec struct {
	Path string   // executable, absolute
	Args []string // after the program's name
	Env  []string // the whole environment, KEY=value
	Dir  string   // working directory; "" = the caller's

	Stdin *os.File // nil: /dev/null
	// Output receives standard output and error, copied through a pipe by at
	// most 32 KiB at a time. When it fails or is closed the rest is read and
	// dropped, so that the child never blocks on it. nil: /dev/null. A daemon
	// left behind loses this pipe when the calling process ends.
	Output io.Writer
	// Stdout and Stderr, when set, are given to the child as they are and win
	// over Output. A file opened for appending outlives the calling process.
	Stdout, Stderr *os.File
	ExtraFiles     []*os.File // descriptors 3, 4 … of the child

	// DeathSignal is sent to the child (not its group) when the calling process
	// dies. 0: the child lives on.
	DeathSignal syscall.Signal
	Deadline    time.Duration // Stop after this time; 0 = none
	Grace       time.Duration // between TERM and KILL; 0 = DefaultGrace
}

// Exit is how a child ended.
type Exit struct {
	Code   int            // exit status; -1 when a signal ended it
	Signal syscall.Signal // 0 when it exited by itself
	// TimedOut: the Deadline passed. Stopped: Stop or Kill was called before the end.
	TimedOut, Stopped bool
	Took              time.Duration
}

// OK tells whether the child ended by itself with status 0.
func (e Exit) OK() bool { return e.Code == 0 && e.Signal == 0 }

// String gives the words for a log line.
func (e Exit) String() string {
	switch {
	case e.TimedOut:
		return "stopped at its deadline after " + e.Took.Round(time.Millisecond).String()
	case e.Signal != 0:
		return "ended by signal " + e.Signal.String()
	default:
		return "exit status " + strconv.Itoa(e.Code)
	}
}
