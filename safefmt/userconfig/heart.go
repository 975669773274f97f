package userconfig

import (
	"strconv"
	"strings"
	"time"
)

// FlowIdent is the heartbeat ident that marks the replication network.
const FlowIdent = "flow"

// Heart holds <heart> of a mirror module (userconfig-xml.md section 6).
type Heart struct {
	// Port is the UDP port of all heartbeats; 0 means 8888 + (module id − 1).
	Port         int           `json:"port"`
	Pulse        time.Duration `json:"pulse"`
	Timeout      time.Duration `json:"timeout"`
	PermanentARP bool          `json:"permanent_arp"`
	// PermanentARPSet: the file gave permanent_arp.
	PermanentARPSet bool `json:"permanent_arp_set,omitempty"`
	// Heartbeats has at least one element, idents are unique.
	Heartbeats []Heartbeat `json:"heartbeats"`
}

// UDPPort gives the port of a module with the id, counted from 1.
func (h *Heart) UDPPort(id int) int {
	if h.Port != 0 {
		return h.Port
	}
	return 8888 + id - 1
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

func (d *decoder) heart(n *node) *Heart {
	h := &Heart{
		Port:            d.port(n, "port", 0),
		Pulse:           d.dur(n, "pulse", time.Millisecond, 700*time.Millisecond, time.Millisecond),
		Timeout:         d.dur(n, "timeout", time.Millisecond, 30*time.Second, time.Millisecond),
		PermanentARP:    d.boolean(n, "permanent_arp", true),
		PermanentARPSet: n.has("permanent_arp"),
	}
	d.checkBeat(n, h.Pulse, h.Timeout)
	lans, idents := map[string]bool{}, map[string]bool{}
	for i, sub := range d.some(n, "heartbeat") {
		b := d.heartbeat(sub, i, h)
		if b.Lan != "" && lans[b.Lan] {
			d.errorf("U10", sub.lineOf("name"), "duplicate network '%s' in <heartbeat>", clip(b.Lan))
		} else if b.Ident != "" && idents[b.Ident] {
			d.errorf("U10", sub.lineOf("ident"), "duplicate ident '%s' in <heartbeat>", clip(b.Ident))
		}
		lans[b.Lan], idents[b.Ident] = true, true
		h.Heartbeats = append(h.Heartbeats, b)
	}
	d.finish(n)
	return h
}

func (d *decoder) heartbeat(n *node, position int, h *Heart) Heartbeat {
	b := Heartbeat{
		Pulse:   d.dur(n, "pulse", time.Millisecond, h.Pulse, time.Millisecond),
		Timeout: d.dur(n, "timeout", time.Millisecond, h.Timeout, time.Millisecond),
	}
	if n.has("pulse") || n.has("timeout") {
		d.checkBeat(n, b.Pulse, b.Timeout)
	}
	if servers := n.elems("server"); len(servers) > 0 {
		b.Servers = d.servers(n, servers)
		b.Ident = strconv.Itoa(position)
	} else {
		b.Lan = d.lanName(n)
		b.Ident = b.Lan
	}
	if n.has("ident") {
		b.Ident = d.ident(n)
	}
	d.finish(n)
	return b
}

// lanName gives the network of a heartbeat or of a farm, checked.
func (d *decoder) lanName(n *node) string {
	a := n.lookup("name")
	if a != nil && a.broken {
		return ""
	}
	if a == nil || strings.TrimSpace(a.value) == "" {
		return d.placeholderLan(n)
	}
	name := strings.TrimSpace(a.value)
	d.checkLan(n, name)
	return name
}

func (d *decoder) checkBeat(n *node, pulse, timeout time.Duration) {
	ms := func(t time.Duration) int64 { return t.Milliseconds() }
	switch {
	case timeout <= pulse:
		d.errorf("U14", n.lineOf("timeout"), "timeout (%d) must be larger than pulse (%d) in <%s>", ms(timeout), ms(pulse), n.name)
	case timeout < 3*pulse:
		d.warnf(n.lineOf("timeout"), "timeout (%d) in <%s> is less than three times pulse (%d): one lost packet may look like a lost node",
			ms(timeout), n.name, ms(pulse))
	}
}

// servers reads the two addresses of the 7.1 form, one of them local.
func (d *decoder) servers(n *node, servers []*node) []string {
	n.has("name") // known, and reported by network when it is filled in
	var addrs []string
	for _, s := range servers {
		addrs = append(addrs, d.address(s, "addr"))
		d.finish(s)
	}
	if len(servers) != 2 {
		d.errorf("U05", n.line, "<%s> must have exactly two <server> elements", n.name)
		return addrs
	}
	d.checkOneLocal(n, addrs)
	return addrs
}

// checkOneLocal wants one of two literal addresses on this node.
func (d *decoder) checkOneLocal(n *node, addrs []string) {
	local := 0
	for _, a := range addrs {
		if _, literal := parseIP(a); !literal {
			return
		}
		if d.isLocal(a) {
			local++
		}
	}
	if len(d.env.LocalAddrs) > 0 && local != 1 {
		d.errorf("U05", n.line, "exactly one <server> of <%s> must have an address of this node", n.name)
	}
}
