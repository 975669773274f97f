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
