package failover

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/safehold/safehold/runtime/failover/rule"
	"github.com/safehold/safehold/runtime/ha"
)

// defaults are the attributes of <failover> nobody wrote.
func defaults(mode ha.Mode) Config {
	return Config{Mode: mode, Extends: true, Period: 5 * time.Second, HandleTime: 15 * time.Second}
}

func mustSet(t *testing.T, c Config) *Set {
	t.Helper()
	s, _, err := NewSet(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func res(t *testing.T, name string) ha.Resource {
	t.Helper()
	r, err := ha.ParseResource(name)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func role(t *testing.T, s string) ha.Role {
	t.Helper()
	r, err := ha.ParseRole(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// rig drives one machine on logical seconds: ticks at 0, 5, 10 …, and in WAIT
// also right after a change. It writes down what the machine asked for.
type rig struct {
	t     *testing.T
	m     *Machine
	view  View
	now   int
	local Map
	lines []string
}

func newRig(t *testing.T, c Config, initial string) *rig {
	t.Helper()
	r := &rig{t: t, m: NewMachine(mustSet(t, c)), local: Map{}, now: -1}
	r.view = View{Role: role(t, initial), Peer: role(t, "UNKNOWN Unknown"), Local: r.local, Remote: Map{}}
	return r
}

// until ticks up to and including a second.
func (r *rig) until(sec int) {
	for r.now < sec {
		r.now++
		if r.now%5 == 0 {
			r.tick()
		}
	}
}

// at goes to a second and changes "class.id=value" words there.
func (r *rig) at(sec int, changes string) {
	r.t.Helper()
	r.until(sec)
	for _, w := range strings.Fields(changes) {
		name, value, _ := strings.Cut(w, "=")
		r.local[res(r.t, name)] = value
	}
	if r.view.Role.State == ha.Wait {
		r.tick()
	}
}

// become changes the role at a second.
func (r *rig) become(sec int, s string) {
	r.t.Helper()
	r.until(sec)
	r.view.Role = role(r.t, s)
}

func (r *rig) tick() {
	v := r.m.Tick(time.Duration(r.now)*time.Second, r.view)
	for _, a := range v.Assign {
		r.local[a.Resource] = a.Value
		r.lines = append(r.lines, fmt.Sprintf("%d set %v by %s", r.now, a.Assignment, a.Label))
	}
	line := ""
	if v.Do != ha.VerbNone {
		line = fmt.Sprintf("%d %v from %s", r.now, v.Do, v.Label)
		if v.Counted {
			line += " counted"
		}
		r.lines = append(r.lines, line)
	}
}

func (r *rig) state() Verdict {
	return r.m.Tick(time.Duration(r.now)*time.Second, r.view)
}

func (r *rig) want(lines ...string) {
	r.t.Helper()
	if got, want := strings.Join(r.lines, "\n"), strings.Join(lines, "\n"); got != want {
		r.t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	r.lines = nil
}

func truthOf(s *Set, v View, label string) rule.Truth {
	for _, e := range s.Explain(v) {
		if e.Label == label {
			return e.Truth
		}
	}
	return rule.False
}
