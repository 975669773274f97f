package userconfig

import "time"

// Errd holds <errd>: monitored processes and services (userconfig-xml.md
// section 12). It never stands without User.
type Errd struct {
	PollTimer time.Duration `json:"polltimer"`
	Procs     []Proc        `json:"procs"`
}

// Proc is one <proc>: resource proc.<Name>.
type Proc struct {
	// Name is the command name, the systemd unit, or only an id when NameRegex is set.
	Name string `json:"name"`
	// Service: Name is a systemd unit.
	Service bool `json:"service"`
	// NameRegex and ArgRegex are POSIX extended regular expressions, or empty.
	NameRegex string `json:"nameregex,omitempty"`
	ArgRegex  string `json:"argregex,omitempty"`
	// AtLeast: act when fewer run. AtMax: act when more run. −1 is off.
	AtLeast int `json:"atleast"`
	AtMax   int `json:"atmax"`
	// Action is restart, stopstart, stop, noaction or a handler executable.
	Action string `json:"action"`
	// RestartServices is the list of restart_services, or nil.
	RestartServices []string `json:"restart_services,omitempty"`
	// Class is prim, both, second, sec, pre or a name scripts enable themselves.
	Class string `json:"class"`
	// StartAfter delays the first check by (StartAfter − 1) × PollTimer.
	StartAfter int `json:"start_after"`
}

// Handler tells whether the action is an executable of the module.
func (p Proc) Handler() bool {
	switch Action(p.Action) {
	case ActionRestart, ActionStopStart, ActionStop, ActionNone:
		return false
	default:
		return true
	}
}
