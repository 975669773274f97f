package resource

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/safehold/safehold/runtime/ha"
)

// Bounds of a table.
const (
	MaxValue = 4 << 10 // bytes of a value
	MaxName  = 255     // bytes of class.id
	MaxCount = 10_000  // resources of one side
)

// Entry is one resource as it stands.
type Entry struct {
	Resource ha.Resource
	Value    string
	Date     time.Time // of the last assignment, also when the value stayed
	By       string    // who assigned it: tcpcheck, heart, the -i of a command
}

// Assignment is a request to set a local resource.
type Assignment struct {
	Resource ha.Resource
	Value    string
	By       string
	Force    bool // put it in the history though the value stays (safekit set -l)
	Quiet    bool // keep it out of the history (safekit set -n, bandwidths)
}

// Change is what an assignment did.
type Change struct {
	Remote   bool
	Resource ha.Resource
	Old, New string // Old is "init" for a resource without a value
	By       string
	Date     time.Time
}

// Changed tells whether the value is another one.
func (c Change) Changed() bool { return c.Old != c.New }

// Table holds the resources of one module.
type Table struct {
	local, remote map[ha.Resource]Entry
	history       history
}

// New makes a table whose history stays in memory.
func New() *Table {
	return &Table{local: map[ha.Resource]Entry{}, remote: map[ha.Resource]Entry{}}
}

// Open makes a table without values whose history goes on in the file path;
// the previous history is read back.
func Open(path string) (*Table, error) {
	t := New()
	if err := t.history.open(path); err != nil {
		return nil, fmt.Errorf("open resource history: %w", err)
	}
	return t, nil
}

// Close ends the history file.
func (t *Table) Close() error { return t.history.close() }

// Check refuses a name or value that no table takes.
func Check(r ha.Resource, value string) error {
	switch name := r.String(); {
	case r.Class == "" || r.ID == "":
		return fmt.Errorf("resource %q: want class.id", clip(name))
	case len(name) > MaxName:
		return fmt.Errorf("resource %q: name of %d bytes is longer than %d", clip(name), len(name), MaxName)
	case strings.ContainsFunc(name, func(c rune) bool { return unicode.IsSpace(c) || unicode.IsControl(c) || c == utf8.RuneError }):
		return fmt.Errorf("resource %q: blanks and control characters are not allowed in a name", clip(name))
	case strings.Contains(r.Class, "."):
		return fmt.Errorf("resource %q: the class holds a dot", clip(name))
	case len(value) > MaxValue:
		return fmt.Errorf("resource %s: value of %d bytes is longer than %d", name, len(value), MaxValue)
	case !utf8.ValidString(value) || strings.ContainsFunc(value, unicode.IsControl):
		return fmt.Errorf("resource %s: the value must be text on one line", name)
	}
	return nil
}

func clip(s string) string {
	if len(s) > 80 {
		return strings.ToValidUTF8(s[:80], "") + "…"
	}
	return s
}

// Set assigns a local resource. The change is in the history when the value is
// another one, or by Force. An error means that nothing was assigned.
func (t *Table) Set(now time.Time, a Assignment) (Change, error) {
	if err := Check(a.Resource, a.Value); err != nil {
		return Change{}, err
	}
	if _, known := t.local[a.Resource]; !known && len(t.local) >= MaxCount {
		return Change{}, fmt.Errorf("resource %s: the table already holds %d resources", a.Resource, MaxCount)
	}
	c := Change{Resource: a.Resource, Old: value(t.local, a.Resource), New: a.Value, By: a.By, Date: now}
	t.local[a.Resource] = Entry{Resource: a.Resource, Value: a.Value, Date: now, By: a.By}
	if !a.Quiet && (c.Changed() || a.Force) {
		t.history.add(c)
	}
	return c, nil
}

// Drop takes away the local resources that match, as at the stop of a module
// or checker, and returns those that had a value.
func (t *Table) Drop(now time.Time, by string, match func(ha.Resource) bool) []Change {
	var out []Change
	for _, r := range sorted(t.local) {
		if !match(r) {
			continue
		}
		c := Change{Resource: r, Old: value(t.local, r), New: ha.ValueInit, By: by, Date: now}
		delete(t.local, r)
		if c.Changed() {
			t.history.add(c)
			out = append(out, c)
		}
	}
	return out
}

// SetRemote takes the peer's resources, by name, as its last heartbeat told
// them; those it no longer names are gone. Names and values no table takes, and
// those above MaxCount, are left out. It returns the changes in order of name.
func (t *Table) SetRemote(values map[string]string, now time.Time) []Change {
	next := make(map[ha.Resource]Entry, len(t.remote))
	for _, name := range slices.Sorted(maps.Keys(values)) {
		r, err := ha.ParseResource(name)
		if err != nil || Check(r, values[name]) != nil || len(next) >= MaxCount {
			continue
		}
		next[r] = Entry{Resource: r, Value: values[name], Date: now, By: "peer"}
	}
	return t.replaceRemote(next, now)
}

// ForgetRemote makes every resource of the peer unknown: it cannot be heard, or
// its module stopped (failover-rules.md section 2.1).
func (t *Table) ForgetRemote(now time.Time) []Change {
	next := make(map[ha.Resource]Entry, len(t.remote))
	for r := range t.remote {
		next[r] = Entry{Resource: r, Value: ha.ValueUnknown, Date: now, By: "peer"}
	}
	return t.replaceRemote(next, now)
}

func (t *Table) replaceRemote(next map[ha.Resource]Entry, now time.Time) []Change {
	var out []Change
	for r, e := range next {
		if old, ok := t.remote[r]; ok && old.Value == e.Value {
			next[r] = old
			continue
		}
		out = append(out, Change{Remote: true, Resource: r, Old: value(t.remote, r), New: e.Value, By: e.By, Date: now})
	}
	for r, e := range t.remote {
		if _, stays := next[r]; !stays {
			out = append(out, Change{Remote: true, Resource: r, Old: e.Value, New: ha.ValueInit, By: "peer", Date: now})
		}
	}
	slices.SortFunc(out, func(a, b Change) int { return cmp.Compare(a.Resource.String(), b.Resource.String()) })
	t.remote = next
	return out
}

// Get finds a local resource.
func (t *Table) Get(r ha.Resource) (Entry, bool) {
	e, ok := t.local[r]
	return e, ok
}

// List gives the local resources in order of name.
func (t *Table) List() []Entry { return list(t.local) }

// ListRemote gives the peer's resources in order of name.
func (t *Table) ListRemote() []Entry { return list(t.remote) }

// IDs lists the ids of the local resources of a class, in order.
func (t *Table) IDs(class string) []string {
	var out []string
	for r := range t.local {
		if r.Class == class {
			out = append(out, r.ID)
		}
	}
	slices.Sort(out)
	return out
}

// Side is one half of a table, to be read by the failover machine.
type Side struct {
	of func() map[ha.Resource]Entry
}

// Value gives the value of a resource, empty for none.
func (s Side) Value(r ha.Resource) string { return s.of()[r].Value }

// Local is the local half; it follows the table.
func (t *Table) Local() Side { return Side{func() map[ha.Resource]Entry { return t.local }} }

// Remote is the peer's half; it follows the table.
func (t *Table) Remote() Side { return Side{func() map[ha.Resource]Entry { return t.remote }} }

func value(m map[ha.Resource]Entry, r ha.Resource) string {
	if e, ok := m[r]; ok {
		return e.Value
	}
	return ha.ValueInit
}

func sorted(m map[ha.Resource]Entry) []ha.Resource {
	return slices.SortedFunc(maps.Keys(m), func(a, b ha.Resource) int { return cmp.Compare(a.String(), b.String()) })
}

func list(m map[ha.Resource]Entry) []Entry {
	out := make([]Entry, 0, len(m))
	for _, r := range sorted(m) {
		out = append(out, m[r])
	}
	return out
}
