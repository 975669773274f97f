package ha

import "fmt"

// Mode is the kind of a module, service@mode in userconfig.xml.
type Mode uint8

// The modes: two nodes with one primary, load-shared nodes, one node alone.
const (
	Mirror Mode = iota + 1
	Farm
	Light
)

var modeNames = [...]string{"", "mirror", "farm", "light"}

// String gives the word userconfig.xml uses.
func (m Mode) String() string { return name(modeNames[:], int(m)) }

// ParseMode is the inverse of String.
func ParseMode(s string) (Mode, error) {
	i, err := parse(modeNames[:], s, "mode")
	return Mode(i), err
}

// State is where a module instance stands (states.md section 1).
type State uint8

// The states. Unknown only ever describes a peer.
const (
	Stop State = iota
	Wait
	Alone
	Up
	Prim
	Second
	Unknown
)

var stateNames = [...]string{"STOP", "WAIT", "ALONE", "UP", "PRIM", "SECOND", "UNKNOWN"}

// String gives the word shown to users and passed to scripts.
func (s State) String() string { return name(stateNames[:], int(s)) }

// ParseState is the inverse of String.
func ParseState(s string) (State, error) {
	i, err := parse(stateNames[:], s, "state")
	return State(i), err
}

// Code is the exit code of `safekit state -lq`: STOP 0, WAIT 1, ALONE and UP 2,
// PRIM 3, SECOND 4. Unknown has none and gives 1, the code of a failure.
func (s State) Code() int {
	switch s {
	case Stop:
		return 0
	case Alone, Up:
		return 2
	case Prim:
		return 3
	case Second:
		return 4
	default:
		return 1
	}
}

// Primary tells whether the application of start_prim belongs on this node.
func (s State) Primary() bool { return s == Alone || s == Prim }

// Status is how settled a state is.
type Status uint8

// The statuses. StatusUnknown goes with Unknown only.
const (
	NotReady Status = iota
	Transient
	Ready
	StatusUnknown
)

var statusNames = [...]string{"NotReady", "Transient", "Ready", "Unknown"}

// String gives the word shown to users.
func (s Status) String() string { return name(statusNames[:], int(s)) }

// ParseStatus is the inverse of String.
func ParseStatus(s string) (Status, error) {
	i, err := parse(statusNames[:], s, "status")
	return Status(i), err
}

// Role is a state with its status: "PRIM Ready". The zero value is STOP NotReady.
type Role struct {
	State  State
	Status Status
}

// String gives both words with a blank between, as logs and state.local show them.
func (r Role) String() string { return r.State.String() + " " + r.Status.String() }

// ParseRole is the inverse of String.
func ParseRole(s string) (Role, error) {
	var state, status string
	if n, err := fmt.Sscanf(s, "%s %s", &state, &status); n != 2 {
		return Role{}, fmt.Errorf("role %q: want two words: %w", s, err)
	}
	st, err := ParseState(state)
	if err != nil {
		return Role{}, err
	}
	su, err := ParseStatus(status)
	return Role{st, su}, err
}

// Legal tells whether the pair may occur (states.md section 1, legal pairs).
func (r Role) Legal() bool {
	switch r.State {
	case Stop:
		return r.Status == NotReady
	case Wait:
		return r.Status == NotReady || r.Status == Transient
	case Alone, Prim, Second, Up:
		return r.Status == Transient || r.Status == Ready
	case Unknown:
		return r.Status == StatusUnknown
	default:
		return false
	}
}

// Stable tells whether nothing is in progress: STOP NotReady, WAIT NotReady or a Ready state.
func (r Role) Stable() bool { return r.Status == Ready || r.Status == NotReady }

// Serving tells whether the node's ready.txt answers 200.
func (r Role) Serving() bool {
	return r.Status == Ready && (r.State == Prim || r.State == Alone || r.State == Up)
}

func name(names []string, i int) string {
	if i < 0 || i >= len(names) {
		return fmt.Sprintf("invalid(%d)", i)
	}
	return names[i]
}

func parse(names []string, s, what string) (int, error) {
	for i, n := range names {
		if n == s && s != "" {
			return i, nil
		}
	}
	return 0, fmt.Errorf("unknown %s %q", what, s)
}
