package clusterxml

import (
	"net/netip"
	"slices"
	"time"

	"github.com/safehold/safehold/runtime/ha"
)

// Defaults of <lans> (cluster-xml.md section 3).
const (
	DefaultPort  = 4800
	DefaultPulse = 100 * time.Millisecond
	DefaultMLost = 20
	DefaultSLost = 10
)

// Config is a checked cluster.xml.
type Config struct {
	Port  int           // port of the membership protocol, 1..65535
	Pulse time.Duration // period between two membership packets, at least 1 ms
	MLost int           // lost packets before a lost leader is replaced, at least 1
	SLost int           // lost packets before a follower is offline, at least 1
	Lans  []Lan         // in file order, at least one
}

// Lan is one network of the cluster.
type Lan struct {
	Name    string
	Command bool // command="on" was written on this lan; see Config.CommandLan
	Nodes   []Node

	line int // of its start tag, for messages; 0 when not read from a file
}

// Node is one server as seen on one lan.
type Node struct {
	Name ha.NodeName
	// Addr is the address other nodes use: an IP literal without brackets, or a
	// host name (never a host name in a configuration that Resolve returned).
	Addr string
	// LAddr is the address configured on the node's own interface when it
	// differs from Addr (NAT); empty otherwise.
	LAddr string

	line int // as in Lan
}

// Local is the address the node itself binds to on this lan: laddr, else addr.
func (n Node) Local() string {
	if n.LAddr != "" {
		return n.LAddr
	}
	return n.Addr
}

// Node finds a node of the lan by name.
func (l Lan) Node(name ha.NodeName) (Node, bool) {
	i := slices.IndexFunc(l.Nodes, func(n Node) bool { return n.Name == name })
	if i < 0 {
		return Node{}, false
	}
	return l.Nodes[i], true
}

// Nodes lists the node names of the cluster in order of first appearance.
func (c *Config) Nodes() []ha.NodeName {
	var names []ha.NodeName
	for _, l := range c.Lans {
		for _, n := range l.Nodes {
			if !slices.Contains(names, n.Name) {
				names = append(names, n.Name)
			}
		}
	}
	return names
}

// HasNode tells whether name is a node of the cluster.
func (c *Config) HasNode(name ha.NodeName) bool { return slices.Contains(c.Nodes(), name) }

// Peers lists the nodes of the cluster other than local.
func (c *Config) Peers(local ha.NodeName) []ha.NodeName {
	return slices.DeleteFunc(c.Nodes(), func(n ha.NodeName) bool { return n == local })
}

// Lan finds a network by name.
func (c *Config) Lan(name string) (Lan, bool) {
	i := slices.IndexFunc(c.Lans, func(l Lan) bool { return l.Name == name })
	if i < 0 {
		return Lan{}, false
	}
	return c.Lans[i], true
}

// CommandLan is the network of distributed commands: the one with command="on",
// else the first that contains all the nodes (cluster-xml.md sections 3 and 10).
func (c *Config) CommandLan() Lan {
	for _, l := range c.Lans {
		if l.Command {
			return l
		}
	}
	for _, l := range c.Lans {
		if len(l.Nodes) == len(c.Nodes()) {
			return l
		}
	}
	return Lan{}
}

// LansWith lists, in file order, the networks that contain all the given nodes.
func (c *Config) LansWith(nodes ...ha.NodeName) []Lan {
	var out []Lan
	for _, l := range c.Lans {
		all := true
		for _, n := range nodes {
			_, ok := l.Node(n)
			all = all && ok
		}
		if all {
			out = append(out, l)
		}
	}
	return out
}

// isIP tells whether an address is a literal and not a host name.
func isIP(addr string) bool {
	_, err := netip.ParseAddr(addr)
	return err == nil
}
