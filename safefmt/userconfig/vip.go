package userconfig

import "time"

// VIP holds <vip> (userconfig-xml.md section 8).
type VIP struct {
	TCPReset      bool        `json:"tcpreset"`
	ScriptControl bool        `json:"scriptcontrol"`
	Interfaces    []Interface `json:"interfaces"`
	// Groups are the load-balancing groups of a farm, in document order.
	Groups []Group `json:"groups,omitempty"`
}

// Interface is one <interface>: exactly one of Real and Virtual is set.
type Interface struct {
	Check       bool          `json:"check"`
	ARPReroute  bool          `json:"arpreroute"`
	ARPInterval time.Duration `json:"arpinterval"`
	ARPElapse   time.Duration `json:"arpelapse"`
	// Name is the device; empty means the one with an address in the subnet of
	// the virtual address.
	Name    string            `json:"name,omitempty"`
	Real    *RealInterface    `json:"real_interface,omitempty"`
	Virtual *VirtualInterface `json:"virtual_interface,omitempty"`
}

// Addrs gives the virtual addresses of the interface, real or virtual.
func (i Interface) Addrs() []VirtualAddr {
	switch {
	case i.Real != nil:
		return i.Real.Addrs
	case i.Virtual != nil:
		return i.Virtual.Addrs
	default:
		return nil
	}
}

// RealInterface puts the virtual addresses on the MAC address of the device.
type RealInterface struct {
	Addrs []VirtualAddr `json:"virtual_addrs"`
}

// The values of virtual_interface@type.
const (
	VMACDirected  = "vmac_directed"
	VMACInvisible = "vmac_invisible"
)

// VirtualInterface shares the virtual addresses between the nodes of a farm.
type VirtualInterface struct {
	Type string `json:"type"`
	// Addr is the shared virtual MAC, "5A:FE:C0:A8:01:63"; empty when unknown
	// or not used (vmac_directed).
	Addr  string        `json:"addr,omitempty"`
	Addrs []VirtualAddr `json:"virtual_addrs"`
}

// Where tells how a virtual address is set.
type Where string

// The values of virtual_addr@where: secondary address on the primary, main
// address of the device on the primary, address of each node of a farm.
const (
	OneSideAlias Where = "one_side_alias"
	OneSide      Where = "one_side"
	Alias        Where = "alias"
)

// VirtualAddr is one <virtual_addr>.
type VirtualAddr struct {
	// Addr is an IPv4 or IPv6 literal or a host name.
	Addr        string `json:"addr"`
	Where       Where  `json:"where"`
	Check       bool   `json:"check"`
	Connections bool   `json:"connections"`
	// Netmask is a dotted mask or a prefix length; empty means that of the device.
	Netmask string `json:"netmask,omitempty"`
}

// Group is one load-balancing <group> of a farm.
type Group struct {
	Name string `json:"name"`
	// Hosts is nil when all nodes have the same power.
	Hosts []GroupHost `json:"hosts,omitempty"`
	Rules []GroupRule `json:"rules"`
}

// GroupHost is one <host>: a node with its relative share.
type GroupHost struct {
	Name  string `json:"name"`
	Power int    `json:"power"`
}

// GroupRule is one <rule> of a group.
type GroupRule struct {
	// VirtualAddr is "*" or an address; Port is 0 for any port.
	VirtualAddr string `json:"virtual_addr"`
	Port        int    `json:"port"`
	// Proto is tcp, udp or arp; Filter is on_addr, on_port or on_ipid.
	Proto  string `json:"proto"`
	Filter string `json:"filter"`
}
