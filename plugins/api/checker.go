package api

import (
	"context"
	"time"

	"github.com/safehold/safehold/runtime/ha"
)

// Check is one configured check: an element of <check> or one <proc>.
type Check struct {
	Resource ha.Resource       // what it sets: tcp.web
	Kind     string            // tcp, ping, proc …
	Attrs    map[string]string // attributes of the element and of its <to>, defaults filled in, e.g. "addr", "port"
	Interval time.Duration
	Timeout  time.Duration
}

// Result is what a check saw.
type Result struct {
	Resource ha.Resource
	Value    string             // ha.ValueUp, ha.ValueDown, or free text of an informative resource
	Message  string             // for people: why
	Figures  map[string]float64 // measured values by name, e.g. latency_seconds
	// Fault, when set, asks for an action by command rather than through a rule
	// (errd): restart, stopstart, stop, or the path of a handler.
	Fault string
	// Identity is the setter's name in the log: tcpcheck.
	Identity string
}

// Checker watches things and reports. A plugin may offer several kinds of check.
type Checker interface {
	Info(ctx context.Context) (Info, error)
	// Kinds lists the kinds of check this plugin offers.
	Kinds(ctx context.Context) ([]string, error)
	// Validate judges one check's attributes at configuration time and changes nothing.
	Validate(ctx context.Context, c Check) error
	// Run performs the checks until ctx ends, reporting each result whose value
	// changed and each Fault. A second Run replaces the first: checks that are in
	// both go on undisturbed.
	Run(ctx context.Context, checks []Check) (<-chan Result, error)
}
