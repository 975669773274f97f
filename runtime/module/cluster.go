package module

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"

	"github.com/safehold/safehold/runtime/cluster/clusterxml"
	"github.com/safehold/safehold/runtime/ha"
	"github.com/safehold/safehold/safefmt/userconfig"
)

// Cluster is what modules need of the cluster configuration in force.
type Cluster struct {
	Config *clusterxml.Config // resolved: addresses only
	Local  ha.NodeName
}

// ErrNoCluster means that cluster.xml was never applied on this node.
var ErrNoCluster = errors.New("the cluster is not configured: run safekit cluster config first")

// pair finds the other node of a mirror module.
func (c *Cluster) pair() (peer ha.NodeName, first bool, err error) {
	nodes := c.Config.Nodes()
	if len(nodes) != 2 {
		return "", false, fmt.Errorf("a mirror module runs on two nodes, and the cluster has %d: larger clusters are not supported yet", len(nodes))
	}
	if nodes[0] == c.Local {
		return nodes[1], true, nil
	}
	return nodes[0], false, nil
}

// link gives the two addresses of a network, for a port.
func (c *Cluster) link(lan string, peer ha.NodeName, port int) (local, remote netip.AddrPort, err error) {
	l, ok := c.Config.Lan(lan)
	if !ok {
		return local, remote, fmt.Errorf("network %q is not defined in the cluster configuration", lan)
	}
	mine, ok := l.Node(c.Local)
	if !ok {
		return local, remote, fmt.Errorf("network %q does not contain %s", lan, c.Local)
	}
	other, ok := l.Node(peer)
	if !ok {
		return local, remote, fmt.Errorf("network %q does not contain %s", lan, peer)
	}
	if local, err = addrPort(mine.Local(), port); err != nil {
		return local, remote, err
	}
	remote, err = addrPort(other.Addr, port)
	return local, remote, err
}

// servers gives the two addresses of the 7.1 form: one is configured here.
func (c *Cluster) servers(addrs []string, port int) (local, remote netip.AddrPort, err error) {
	if len(addrs) != 2 {
		return local, remote, fmt.Errorf("want two <server> addresses, have %d", len(addrs))
	}
	mine := slices.IndexFunc(addrs, func(a string) bool { return c.owns(a) })
	if mine < 0 {
		return local, remote, fmt.Errorf("neither <server> %s is an address of %s", addrs, c.Local)
	}
	if local, err = addrPort(addrs[mine], port); err != nil {
		return local, remote, err
	}
	remote, err = addrPort(addrs[1-mine], port)
	return local, remote, err
}

func (c *Cluster) owns(addr string) bool {
	for _, lan := range c.Config.Lans {
		if n, ok := lan.Node(c.Local); ok && (n.Addr == addr || n.Local() == addr) {
			return true
		}
	}
	return false
}

func addrPort(addr string, port int) (netip.AddrPort, error) {
	if len(addr) > 1 && addr[0] == '[' {
		addr = addr[1 : len(addr)-1]
	}
	a, err := netip.ParseAddr(addr)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("address %q: %w", addr, err)
	}
	return netip.AddrPortFrom(a, uint16(port)), nil
}

// view is the cluster as userconfig wants it.
func (c *Cluster) view() *userconfig.Cluster {
	v := &userconfig.Cluster{}
	for _, lan := range c.Config.Lans {
		one := userconfig.Lan{Name: lan.Name}
		for _, n := range lan.Nodes {
			one.Nodes = append(one.Nodes, string(n.Name))
		}
		v.Lans = append(v.Lans, one)
	}
	if host, err := os.Hostname(); err == nil {
		v.HostNames = []string{host}
	}
	return v
}
