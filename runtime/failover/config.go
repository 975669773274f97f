package failover

import (
	"fmt"
	"time"

	"github.com/safehold/safehold/runtime/ha"
)

// Config is what the rules of one module are made from. Every field holds the
// value after defaults and macros (userconfig-xml.md sections 13 and 14).
type Config struct {
	Mode       ha.Mode
	Extends    bool          // failover@extends; the XML default is yes
	Period     time.Duration // failover@period, at least 100 ms
	HandleTime time.Duration // failover@handle_time, a multiple of Period

	HasRFS        bool          // <rfs> is present
	SyncDelta     time.Duration // rfs@syncdelta; at most one minute disables it
	SyncAt        bool          // rfs@syncat is set
	FlowHeartbeat bool          // a <heartbeat ident="flow"> exists

	Checkers []Checker     // in document order, generated intf and ip checkers included
	Sections []Section     // the texts inside <failover>, in document order
	Declared []ha.Resource // resources without a checker entry: heartbeat.X, proc.X
}

// The life times of a checker, check@when.
const (
	WhenPre    = "pre"
	WhenPrim   = "prim"
	WhenSecond = "second"
	WhenBoth   = "both"
)

// NoAction is the check@action that generates no rule.
const NoAction = "noaction"

// Checker is one declared checker, the owner of the resource Class.Ident.
type Checker struct {
	Class  string // tcp, ping, intf, ip, custom, module, splitbrain
	Ident  string // after macro expansion
	When   string // pre, prim, second, both; empty is the default of the class
	Action string // wait, stop, stopstart, restart, noaction; empty when the attribute is absent
}

// Section is one CDATA block, or the text between two of them.
type Section struct {
	Text string
	Line int // of userconfig.xml, where Text begins
}

// Resource names what the checker sets.
func (c Checker) Resource() ha.Resource { return ha.Resource{Class: c.Class, ID: c.Ident} }

// roleBound tells whether the checker runs in some roles only, so that its
// resource is init in WAIT.
func (c Checker) roleBound() bool {
	if c.When == "" {
		return c.Class == "ip"
	}
	return c.When != WhenPre
}

// verb is the action of the generated rule, VerbNone for none
// (failover-rules.md section 8.3).
func (c Checker) verb() (ha.Verb, error) {
	switch c.Class {
	case "tcp", "ping", "custom":
	default:
		return ha.VerbNone, nil
	}
	switch c.Action {
	case NoAction:
		return ha.VerbNone, nil
	case "":
		return c.defaultVerb(), nil
	case "wait", "stop", "stopstart", "restart":
		return ha.ParseVerb(c.Action)
	default:
		return ha.VerbNone, fmt.Errorf("checker %s: unknown action %q, want wait, stop, stopstart, restart or noaction", c.Resource(), c.Action)
	}
}

func (c Checker) defaultVerb() ha.Verb {
	switch {
	case c.Class == "tcp" && c.When == WhenPre:
		return ha.VerbWait
	case c.Class == "tcp":
		return ha.VerbRestart
	case c.Class == "ping" && c.roleBound():
		return ha.VerbStopStart
	case c.Class == "ping":
		return ha.VerbWait
	default:
		return ha.VerbNone
	}
}

// check refuses times no machine could keep.
func (c Config) check() error {
	switch {
	case c.Mode != ha.Mirror && c.Mode != ha.Farm && c.Mode != ha.Light:
		return fmt.Errorf("failover: unknown mode %v", c.Mode)
	case c.Period < 100*time.Millisecond:
		return fmt.Errorf("failover: period %v is shorter than 100ms", c.Period)
	case c.HandleTime < 0 || c.HandleTime%c.Period != 0:
		return fmt.Errorf("failover: handle_time %v is not a multiple of period %v", c.HandleTime, c.Period)
	}
	return nil
}
