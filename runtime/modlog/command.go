package modlog

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Kind is what a line of the commands log tells.
type Kind string

// The kinds: a command began, it ended, something was noted.
const (
	KindStart Kind = "START"
	KindEnd   Kind = "END"
	KindInfo  Kind = "I"
)

// The types of a line of the commands log; END lines have none.
const (
	TypeSafekit = "safekit" // a command
	TypeCluster = "cluster" // a cluster event, pid 0
)

// CommandLine is one line of the commands log (services.md section 8).
type CommandLine struct {
	Time   time.Time
	Type   string // TypeSafekit, TypeCluster or empty
	Module string // empty for global commands and END lines
	PID    int    // joins START and END; 0 for cluster events
	Kind   Kind
	Detail string // arguments, return value or text
}

// String gives the line of the file, without line feed.
func (c CommandLine) String() string {
	return "| " + strings.Join([]string{c.Time.Format(timeLayout), c.Type, c.Module, strconv.Itoa(c.PID), string(c.Kind), c.Detail}, " | ")
}

// ParseCommand reads a line of the commands log.
func ParseCommand(s string) (CommandLine, error) {
	s = strings.TrimSuffix(s, "\n")
	rest, ok := strings.CutPrefix(s, "| ")
	f := strings.SplitN(rest, " | ", 6)
	if !ok || len(f) != 6 {
		return CommandLine{}, fmt.Errorf("commands log line %q: want | time | type | module | pid | kind | detail", clip(s))
	}
	when, err := time.ParseInLocation(timeLayout, f[0], time.Local)
	if err != nil {
		return CommandLine{}, fmt.Errorf("commands log line %q: %w", clip(s), err)
	}
	pid, err := strconv.Atoi(f[3])
	if err != nil || pid < 0 {
		return CommandLine{}, fmt.Errorf("commands log line %q: bad pid", clip(s))
	}
	c := CommandLine{Time: when, Type: f[1], Module: f[2], PID: pid, Kind: Kind(f[4]), Detail: f[5]}
	if c.Kind != KindStart && c.Kind != KindEnd && c.Kind != KindInfo {
		return CommandLine{}, fmt.Errorf("commands log line %q: unknown kind", clip(s))
	}
	return c, nil
}

// Commands appends to the commands log of a node.
type Commands struct{ out *appender }

// OpenCommands makes or continues the commands log at path.
func OpenCommands(path string, o Options) (*Commands, error) {
	out, err := openAppender(path, o)
	if err != nil {
		return nil, err
	}
	return &Commands{out}, nil
}

// Start notes that the process pid began a command; module may be empty. The
// caller leaves secrets out of args.
func (c *Commands) Start(now time.Time, module string, pid int, args string) error {
	return c.append(CommandLine{Time: now, Type: TypeSafekit, Module: module, PID: pid, Kind: KindStart, Detail: args})
}

// End notes the return value of the command of pid.
func (c *Commands) End(now time.Time, pid, exit int) error {
	return c.append(CommandLine{Time: now, PID: pid, Kind: KindEnd, Detail: strconv.Itoa(exit)})
}

// Cluster notes a cluster event, such as "update cluster state".
func (c *Commands) Cluster(now time.Time, text string) error {
	return c.append(CommandLine{Time: now, Type: TypeCluster, Kind: KindInfo, Detail: text})
}

func (c *Commands) append(l CommandLine) error {
	l.Time = l.Time.Local()
	l.Detail = cleanText(l.Detail)
	if l.Module != "" {
		l.Module = cleanOrigin(l.Module)
	}
	return c.out.append(record{text: l.String()})
}

// Sync returns when every line so far is in the file.
func (c *Commands) Sync() error { return c.out.sync() }

// Close writes what is left and ends.
func (c *Commands) Close() error { return c.out.close() }
