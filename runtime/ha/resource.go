package ha

import (
	"fmt"
	"strings"
)

// NodeName identifies a server, as written in cluster.xml.
type NodeName string

// ModuleName identifies an installed module.
type ModuleName string

// Resource names one observed fact: "tcp.web". Its values are strings.
type Resource struct {
	Class string // tcp, ping, intf, ip, custom, module, splitbrain, heartbeat, rfs, proc, state, usersetting …
	ID    string // may contain dots: ip.192.168.1.99
}

// String gives class.id.
func (r Resource) String() string { return r.Class + "." + r.ID }

// ParseResource splits class.id at the first dot.
func ParseResource(s string) (Resource, error) {
	class, id, ok := strings.Cut(s, ".")
	if !ok || class == "" || id == "" {
		return Resource{}, fmt.Errorf("resource %q: want class.id", s)
	}
	return Resource{class, id}, nil
}

// The life-cycle values of a resource that rules can test (states.md section 10).
const (
	ValueInit    = "init"
	ValueUp      = "up"
	ValueDown    = "down"
	ValueUnknown = "unknown"
)

// Level is the class of a module log line (services.md section 6).
type Level byte

// The levels: critical, event, user action, script, information, warning, debug.
const (
	Critical Level = 'C'
	Event    Level = 'E'
	User     Level = 'U'
	Script   Level = 'S'
	Info     Level = 'I'
	Warning  Level = 'W'
	Debug    Level = 'D'
)

// String gives the letter of the log line.
func (l Level) String() string { return string(rune(l)) }

// Shown tells whether the default view of the log has this level.
func (l Level) Shown() bool {
	return l == Critical || l == Event || l == User || l == Script
}
