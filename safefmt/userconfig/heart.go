package userconfig

import "time"

// FlowIdent is the heartbeat ident that marks the replication network.
const FlowIdent = "flow"

// Heart holds <heart> of a mirror module (userconfig-xml.md section 6).
type Heart struct {
	// Port is the UDP port of all heartbeats; 0 means 8888 + (module id − 1).
	Port         int           `json:"port"`
	Pulse        time.Duration `json:"pulse"`
	Timeout      time.Duration `json:"timeout"`
	PermanentARP bool          `json:"permanent_arp"`
	// Heartbeats has at least one element, idents are unique.
	Heartbeats []Heartbeat `json:"heartbeats"`
}

// Heartbeat is one <heartbeat>: resource heartbeat.<Ident>.
type Heartbeat struct {
	// Lan is the cluster.xml network; empty in the 7.1 form, which has Servers.
	Lan     string        `json:"lan,omitempty"`
	Ident   string        `json:"ident"`
	Pulse   time.Duration `json:"pulse"`
	Timeout time.Duration `json:"timeout"`
	// Servers are the two addresses of the 7.1 form (section 16), else nil.
	Servers []string `json:"servers,omitempty"`
}
