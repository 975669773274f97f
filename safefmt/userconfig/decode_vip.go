package userconfig

import (
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/safehold/safehold/runtime/ha"
)

func (d *decoder) vip(n *node) *VIP {
	v := &VIP{
		TCPReset:      d.boolean(n, "tcpreset", true),
		ScriptControl: d.boolean(n, "scriptcontrol", false),
	}
	if v.ScriptControl && d.mode != ha.Farm {
		d.warnf(n.lineOf("scriptcontrol"), "attribute 'scriptcontrol' in <vip> has an effect in a farm module only")
	}
	if list := d.only(n, "interface_list"); list == nil {
		d.errorf("U03", n.line, "missing <interface_list> in <vip>")
	} else {
		for _, sub := range d.some(list, "interface") {
			v.Interfaces = append(v.Interfaces, d.intface(sub))
		}
		d.finish(list)
	}
	if list := d.only(n, "loadbalancing_list"); list != nil && d.allowed(list, ha.Farm) {
		v.Groups = d.groups(list, v.directed())
	}
	d.finish(n)
	return v
}

func (d *decoder) intface(n *node) Interface {
	i := Interface{
		Check:       d.boolean(n, "check", true),
		ARPReroute:  d.boolean(n, "arpreroute", false),
		ARPInterval: d.dur(n, "arpinterval", time.Second, time.Minute, time.Second),
		ARPElapse:   d.dur(n, "arpelapse", time.Second, 20*time.Minute, 0),
		Name:        d.str(n, "name", ""),
	}
	realIntf, virtual := d.only(n, "real_interface"), d.only(n, "virtual_interface")
	switch {
	case realIntf == nil && virtual == nil:
		d.errorf("U03", n.line, "missing <real_interface> or <virtual_interface> in <interface>")
	case realIntf != nil && virtual != nil:
		d.errorf("U10", n.line, "<real_interface> and <virtual_interface> in one <interface>: use one of them")
	case realIntf != nil && d.allowed(realIntf, ha.Mirror):
		i.Real = &RealInterface{Addrs: d.virtualAddrs(realIntf, i.Name)}
		d.finish(realIntf)
	case virtual != nil:
		i.Virtual = d.virtualInterface(virtual, i.Name)
	}
	d.finish(n)
	return i
}

func (d *decoder) virtualInterface(n *node, device string) *VirtualInterface {
	v := &VirtualInterface{
		Type:  d.enum(n, "type", VMACDirected, VMACInvisible),
		Addr:  d.str(n, "addr", ""),
		Addrs: d.virtualAddrs(n, device),
	}
	if v.Addr != "" {
		mac, err := net.ParseMAC(v.Addr)
		if err != nil || len(mac) != 6 || mac[0]&1 != 0 {
			d.invalid(n, "addr", " (expected a unicast MAC address of 6 octets)")
		}
	}
	if v.Addr == "" && v.Type == VMACInvisible && len(v.Addrs) > 0 {
		v.Addr = virtualMAC(v.Addrs[0].Addr)
	}
	d.finish(n)
	return v
}

// virtualMAC is 5A:FE: and the four bytes of an IPv4 address, "" for others.
func virtualMAC(addr string) string {
	ip, ok := parseIP(addr)
	if !ok || !ip.Is4() {
		return ""
	}
	b := ip.As4()
	h := strings.ToUpper(hex.EncodeToString(b[:]))
	return fmt.Sprintf("5A:FE:%s:%s:%s:%s", h[0:2], h[2:4], h[4:6], h[6:8])
}

func (d *decoder) virtualAddrs(parent *node, device string) []VirtualAddr {
	var addrs []VirtualAddr
	for _, n := range d.some(parent, "virtual_addr") {
		a := VirtualAddr{
			Addr:        d.address(n, "addr"),
			Where:       d.where(n, parent),
			Check:       d.boolean(n, "check", true),
			Connections: d.boolean(n, "connections", false),
			Netmask:     d.netmask(n),
		}
		d.checkVIP(n, a, device)
		d.finish(n)
		addrs = append(addrs, a)
	}
	return addrs
}

// where gives the place of a virtual address, by mode when it is not written.
func (d *decoder) where(n, parent *node) Where {
	def := OneSideAlias
	if d.mode == ha.Farm {
		def = Alias
	}
	w := Where(d.enumDefault(n, "where", string(def), string(OneSideAlias), string(OneSide), string(Alias)))
	switch {
	case d.mode == 0:
	case (w == Alias) != (d.mode == ha.Farm):
		d.errorf("U08", n.lineOf("where"), "where='%s' is not allowed in a %s module", w, d.mode)
	case parent.name == "virtual_interface" && w == OneSide:
		d.errorf("U08", n.lineOf("where"), "where='%s' is not allowed in <virtual_interface>", w)
	}
	return w
}

func (d *decoder) netmask(n *node) string {
	v := strings.TrimSpace(d.str(n, "netmask", ""))
	if v == "" {
		return ""
	}
	if _, ok := prefixLen(v); !ok {
		d.invalid(n, "netmask", " (expected a mask such as '255.255.255.0' or a prefix length)")
		return ""
	}
	return v
}

// prefixLen reads a dotted IPv4 mask or a number of bits.
func prefixLen(mask string) (int, bool) {
	var bits int
	if _, err := fmt.Sscanf(mask, "%d", &bits); err == nil && fmt.Sprint(bits) == mask {
		return bits, bits >= 0 && bits <= 32
	}
	ip, err := netip.ParseAddr(mask)
	if err != nil || !ip.Is4() {
		return 0, false
	}
	b := ip.As4()
	ones, size := net.IPv4Mask(b[0], b[1], b[2], b[3]).Size()
	return ones, size == 32
}

// checkVIP reports an address used twice, in this module or another, and one
// that no device of this node can carry.
func (d *decoder) checkVIP(n *node, a VirtualAddr, device string) {
	if a.Addr == "" {
		return
	}
	if _, again := d.vips[canonical(a.Addr)]; again {
		d.errorf("U10", n.lineOf("addr"), "duplicate virtual address '%s'", a.Addr)
		return
	}
	if d.vips == nil {
		d.vips = map[string]int{}
	}
	d.vips[canonical(a.Addr)] = n.lineOf("addr")
	for _, other := range d.env.Others {
		for _, vip := range other.VIPs {
			if canonical(vip) == canonical(a.Addr) && other.Module != d.env.Module {
				d.errorf("U10", n.lineOf("addr"), "duplicate virtual address '%s': the module '%s' has it", a.Addr, other.Module)
			}
		}
	}
	ip, literal := parseIP(a.Addr)
	if device != "" || !literal || len(d.env.LocalAddrs) == 0 {
		return
	}
	if _, found := d.carrier(ip); !found {
		d.errorf("U05", n.lineOf("addr"), "no device of this node has an address in the network of '%s': set <interface name=…>", a.Addr)
	}
}

// carrier gives the first local address whose subnet holds ip.
func (d *decoder) carrier(ip netip.Addr) (LocalAddr, bool) {
	for _, l := range d.env.LocalAddrs {
		if l.Prefix.Masked().Contains(ip) {
			return l, true
		}
	}
	return LocalAddr{}, false
}

// directed tells whether all virtual interfaces are of the type whose nodes
// answer ARP themselves.
func (v *VIP) directed() bool {
	for _, i := range v.Interfaces {
		if i.Virtual != nil && i.Virtual.Type != VMACDirected {
			return false
		}
	}
	return true
}

func (d *decoder) groups(list *node, directed bool) []Group {
	var groups []Group
	seen := map[string]bool{}
	for _, n := range d.some(list, "group") {
		g := Group{Name: d.need(n, "name")}
		if seen[g.Name] && g.Name != "" {
			d.errorf("U10", n.lineOf("name"), "duplicate name '%s' in <group>", clip(g.Name))
		}
		seen[g.Name] = true
		if cluster := d.only(n, "cluster"); cluster != nil {
			g.Hosts = d.hosts(cluster)
		}
		for _, r := range d.some(n, "rule") {
			g.Rules = append(g.Rules, d.groupRule(r, directed))
		}
		d.finish(n)
		groups = append(groups, g)
	}
	d.finish(list)
	return groups
}

func (d *decoder) hosts(cluster *node) []GroupHost {
	var hosts []GroupHost
	for _, n := range d.some(cluster, "host") {
		h := GroupHost{Name: d.need(n, "name"), Power: d.count(n, "power", 1, 0)}
		d.checkNode(n, "name", h.Name)
		d.finish(n)
		hosts = append(hosts, h)
	}
	d.finish(cluster)
	return hosts
}

func (d *decoder) groupRule(n *node, directed bool) GroupRule {
	r := GroupRule{VirtualAddr: "*", Proto: d.needEnum(n, "proto", "tcp", "udp", "arp"),
		Filter: d.needEnum(n, "filter", "on_addr", "on_port", "on_ipid")}
	if d.str(n, "virtual_addr", "*") != "*" {
		r.VirtualAddr = d.address(n, "virtual_addr")
	}
	if d.str(n, "port", "*") != "*" {
		r.Port = d.port(n, "port", 0)
	}
	d.checkFilter(n, r, directed)
	d.finish(n)
	return r
}

func (d *decoder) checkFilter(n *node, r GroupRule, directed bool) {
	switch {
	case r.Proto == "arp" && !directed:
		d.errorf("U05", n.lineOf("proto"), "proto 'arp' in <rule> requires type='%s' in <virtual_interface>", VMACDirected)
	case r.Proto == "" || r.Filter == "":
	case r.Proto == "arp" && r.Filter != "on_addr", r.Proto != "udp" && r.Filter == "on_ipid":
		d.errorf("U05", n.lineOf("filter"), "filter '%s' is not allowed with proto='%s' in <rule>", r.Filter, r.Proto)
	}
}
