package clusterxml

import (
	"fmt"
	"net/netip"
)

// collision is an address used twice.
type collision struct {
	line int
	msg  string
}

// collisions finds the same addr for two nodes of a lan, and the same pair of
// laddr and addr used again anywhere in the file (C06). Host names count as
// they are written, before Resolve; after it only addresses are left.
func collisions(cfg *Config) []collision {
	type pair struct{ addr, laddr string }
	type user struct {
		lan  string
		node Node
	}
	pairs := map[pair]user{}
	var out []collision
	for _, l := range cfg.Lans {
		addrs := map[string]Node{}
		for _, n := range l.Nodes {
			if n.Addr == "" {
				continue
			}
			key := pair{n.Addr, n.Local()}
			first, again := addrs[n.Addr]
			before, reused := pairs[key]
			switch {
			case again && first.Name != n.Name:
				out = append(out, collision{n.line,
					fmt.Sprintf("address %s used by %s and %s on lan %s", n.Addr, first.Name, n.Name, l.Name)})
			case reused && before.lan != l.Name:
				out = append(out, collision{n.line, fmt.Sprintf("address %s used by %s on lan %s and by %s on lan %s",
					n.Addr, before.node.Name, before.lan, n.Name, l.Name)})
			}
			if !again {
				addrs[n.Addr] = n
			}
			if !reused {
				pairs[key] = user{l.Name, n}
			}
		}
	}
	return out
}

// mixed tells whether literal addresses of both families stand on one lan (C11).
func mixed(l Lan) bool {
	var v4, v6 bool
	for _, n := range l.Nodes {
		for _, a := range []string{n.Addr, n.LAddr} {
			if ip, err := netip.ParseAddr(a); err == nil {
				v4, v6 = v4 || ip.Is4(), v6 || ip.Is6()
			}
		}
	}
	return v4 && v6
}
