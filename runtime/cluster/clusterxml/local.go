package clusterxml

import (
	"errors"
	"net/netip"
	"slices"

	"github.com/safehold/safehold/runtime/ha"
)

// ErrNotANode is row C12: no node, or two, have an address of this host.
var ErrNotANode = errors.New("this host is not a node of the cluster")

var errNoAddress = errors.New("the name has no usable address")

// LocalNode tells which node of a resolved configuration this host is: the one
// with an address of localAddrs on some lan (laddr, else addr). localAddrs are
// the addresses of the host's interfaces; loopback addresses must not be among
// them. The error is ErrNotANode (cluster-xml.md section 4.1).
func LocalNode(cfg *Config, localAddrs []netip.Addr) (ha.NodeName, error) {
	var found []ha.NodeName
	for _, l := range cfg.Lans {
		for _, n := range l.Nodes {
			ip, err := netip.ParseAddr(n.Local())
			if err == nil && slices.Contains(localAddrs, ip) && !slices.Contains(found, n.Name) {
				found = append(found, n.Name)
			}
		}
	}
	if len(found) != 1 {
		return "", ErrNotANode
	}
	return found[0], nil
}
