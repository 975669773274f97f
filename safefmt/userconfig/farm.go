package userconfig

import "time"

// Farm holds <farm> (userconfig-xml.md section 7).
type Farm struct {
	// Port is the UDP membership port; 0 means 4803 + (module id − 1) × 3.
	Port  int           `json:"port"`
	Pulse time.Duration `json:"pulse"`
	// MLostCount and SLostCount are numbers of missed packets.
	MLostCount int `json:"mlost_count"`
	SLostCount int `json:"slost_count"`
	// Lans has at least one element.
	Lans []FarmLan `json:"lans"`
}

// UDPPort gives the port of a module with the id, counted from 1.
func (f *Farm) UDPPort(id int) int {
	if f.Port != 0 {
		return f.Port
	}
	return 4803 + (id-1)*3
}

// FarmLan is one <lan> of a farm.
type FarmLan struct {
	// Lan is the cluster.xml network; empty in the 7.1 form, which has Nodes.
	Lan   string     `json:"lan,omitempty"`
	Nodes []FarmNode `json:"nodes,omitempty"`
}

// FarmNode is one <node> of the 7.1 form of a farm network (section 16).
type FarmNode struct {
	Name string `json:"name"`
	Addr string `json:"addr"`
}

func (d *decoder) farm(n *node) *Farm {
	f := &Farm{
		Port:       d.port(n, "port", 0),
		Pulse:      d.dur(n, "pulse", time.Millisecond, 100*time.Millisecond, time.Millisecond),
		MLostCount: d.count(n, "mlost_count", 20, 1),
		SLostCount: d.count(n, "slost_count", 10, 1),
	}
	seen := map[string]bool{}
	for _, sub := range d.some(n, "lan") {
		lan := d.farmLan(sub)
		if lan.Lan != "" && seen[lan.Lan] {
			d.errorf("U10", sub.lineOf("name"), "duplicate network '%s' in <lan>", clip(lan.Lan))
		}
		seen[lan.Lan] = true
		f.Lans = append(f.Lans, lan)
	}
	d.finish(n)
	return f
}

func (d *decoder) farmLan(n *node) FarmLan {
	var lan FarmLan
	nodes := n.elems("node")
	if len(nodes) == 0 {
		lan.Lan = d.lanName(n)
	} else {
		n.has("name")
	}
	for _, sub := range nodes {
		lan.Nodes = append(lan.Nodes, FarmNode{Name: d.need(sub, "name"), Addr: d.address(sub, "addr")})
		d.finish(sub)
	}
	d.finish(n)
	return lan
}
