package userconfig

import "time"

// When is the life time of a checker (userconfig-xml.md section 13.1).
type When string

// The values of when: from prestart to poststop, or around one pair of scripts.
const (
	WhenPre    When = "pre"
	WhenPrim   When = "prim"
	WhenSecond When = "second"
	WhenBoth   When = "both"
)

// Action is what a generated rule does when the resource is down.
type Action string

// The values of action. ActionNone generates no rule.
const (
	ActionWait      Action = "wait"
	ActionRestart   Action = "restart"
	ActionStopStart Action = "stopstart"
	ActionStop      Action = "stop"
	ActionNone      Action = "noaction"
)

// Checks holds the checkers of <check>, explicit and generated, by class and
// in document order within each class. Idents are unique in their class.
// Position, in every checker, counts all classes together in document order,
// from 1; generated checkers come last.
type Checks struct {
	TCP        []TCPCheck       `json:"tcp,omitempty"`
	Ping       []PingCheck      `json:"ping,omitempty"`
	Intf       []IntfCheck      `json:"intf,omitempty"`
	IP         []IPCheck        `json:"ip,omitempty"`
	Custom     []CustomCheck    `json:"custom,omitempty"`
	Module     []ModuleCheck    `json:"module,omitempty"`
	SplitBrain *SplitBrainCheck `json:"splitbrain,omitempty"`
}

// TCPCheck is one <tcp>: resource tcp.<Ident>, rule t_<Ident>.
type TCPCheck struct {
	Position int    `json:"position"`
	Ident    string `json:"ident"`
	When     When   `json:"when"`
	Action   Action `json:"action"`
	// Implied: the file gave no action, so Action is the default.
	Implied  bool          `json:"implied,omitempty"`
	Addr     string        `json:"addr"`
	Port     int           `json:"port"`
	Interval time.Duration `json:"interval"`
	Timeout  time.Duration `json:"timeout"`
}

// PingCheck is one <ping>: resource ping.<Ident>, rule p_<Ident>.
type PingCheck struct {
	Position int    `json:"position"`
	Ident    string `json:"ident"`
	When     When   `json:"when"`
	Action   Action `json:"action"`
	// Implied: the file gave no action, so Action is the default.
	Implied  bool          `json:"implied,omitempty"`
	Addr     string        `json:"addr"`
	Interval time.Duration `json:"interval"`
	Timeout  time.Duration `json:"timeout"`
}

// IntfCheck is one <intf>, always of life time WhenPre: resource intf.<Ident>.
type IntfCheck struct {
	Position int    `json:"position"`
	Ident    string `json:"ident"`
	// LocalAddr is configured on the device to watch.
	LocalAddr string `json:"local_addr"`
	// Generated: it comes from interface@check and is frozen with <vip>.
	Generated bool `json:"generated,omitempty"`
}

// IPCheck is one <ip>: resource ip.<Ident>.
type IPCheck struct {
	Position int           `json:"position"`
	Ident    string        `json:"ident"`
	When     When          `json:"when"`
	Addr     string        `json:"addr"`
	Interval time.Duration `json:"interval"`
	// Generated: it comes from virtual_addr@check and is frozen with <vip>.
	Generated bool `json:"generated,omitempty"`
}

// CustomCheck is one <custom>: resource custom.<Ident>, rule c_<Ident>.
type CustomCheck struct {
	Position int    `json:"position"`
	Ident    string `json:"ident"`
	When     When   `json:"when"`
	// Exec is absolute or relative to the module's bin.
	Exec string `json:"exec"`
	// Arg is the attribute, Args its words after shell quoting, for a script.
	Arg    string   `json:"arg,omitempty"`
	Args   []string `json:"args,omitempty"`
	Action Action   `json:"action"`
	// Plugin: Exec is a checker plugin (kind="plugin"), not a script. Interval
	// and Timeout are what it is told; 0 for a script.
	Plugin   bool          `json:"plugin,omitempty"`
	Interval time.Duration `json:"interval,omitempty"`
	Timeout  time.Duration `json:"timeout,omitempty"`
}

// Kind is the value of <custom kind>.
func (c CustomCheck) Kind() string {
	if c.Plugin {
		return kindPlugin
	}
	return kindScript
}

const (
	kindScript = "script"
	kindPlugin = "plugin"
)

// ModuleCheck is one <module>, always of life time WhenPre: resource module.<Ident>.
type ModuleCheck struct {
	Position int    `json:"position"`
	Name     string `json:"name"`
	Ident    string `json:"ident"`
	// To has at least one element; the resource is up if any of them is.
	To []ModuleTarget `json:"to"`
}

// ModuleTarget is one <to> of a module checker: a web service to ask.
type ModuleTarget struct {
	Addr     string        `json:"addr"`
	Port     int           `json:"port"`
	Interval time.Duration `json:"interval"`
	Timeout  time.Duration `json:"timeout"`
	Secure   bool          `json:"secure"`
}

// SplitBrainCheck is <splitbrain>, always of life time WhenPre: resources
// splitbrain.<Ident> and splitbrain.uptodate.
type SplitBrainCheck struct {
	Position int    `json:"position"`
	Ident    string `json:"ident"`
	// Witnesses are addresses or host names, at least one.
	Witnesses []string `json:"witnesses"`
}
