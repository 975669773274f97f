package clusterxml

import (
	"context"
	"net/netip"
	"slices"
)

// Resolver looks up the addresses of a host name; *net.Resolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Resolve returns a copy of cfg in which every host name is replaced by the
// address it resolves to now. A name with several addresses takes the family
// of the lan's other addresses, IPv4 when there is none, and the lowest
// address, so that all nodes that see the same answers choose alike. The error
// is a Mistakes: unresolvable names (C11), and collisions that only show after
// resolution (C06). name is the file name shown in messages.
func Resolve(ctx context.Context, name string, cfg *Config, r Resolver) (*Config, error) {
	rep := &report{file: name}
	out := *cfg
	out.Lans = slices.Clone(cfg.Lans)
	for i, l := range out.Lans {
		l.Nodes = slices.Clone(l.Nodes)
		network := family(l)
		for j, n := range l.Nodes {
			if isIP(n.Addr) {
				continue
			}
			ip, err := lookup(ctx, r, network, n.Addr)
			if err != nil {
				rep.errorf(n.line, "invalid address '%s' for %s on lan %s (%v)", clip(n.Addr), n.Name, l.Name, err)
				continue
			}
			l.Nodes[j].Addr = ip.String()
		}
		out.Lans[i] = l
		if mixed(l) {
			rep.errorf(l.line, "lan %s mixes IPv4 and IPv6 addresses", l.Name)
		}
	}
	for _, c := range collisions(&out) {
		rep.errorf(c.line, "%s", c.msg)
	}
	if err := rep.err(); err != nil {
		return nil, err
	}
	return &out, nil
}

// family is the kind of look-up that keeps a lan in one family.
func family(l Lan) string {
	for _, n := range l.Nodes {
		for _, a := range []string{n.Addr, n.LAddr} {
			if ip, err := netip.ParseAddr(a); err == nil && ip.Is6() {
				return "ip6"
			} else if err == nil {
				return "ip4"
			}
		}
	}
	return "ip"
}

func lookup(ctx context.Context, r Resolver, network, host string) (netip.Addr, error) {
	ips, err := r.LookupNetIP(ctx, network, host)
	if err != nil {
		return netip.Addr{}, err
	}
	var usable []netip.Addr
	for _, ip := range ips {
		if ip = ip.Unmap(); ip.Zone() == "" && !ip.IsUnspecified() && !ip.IsMulticast() {
			usable = append(usable, ip)
		}
	}
	if len(usable) == 0 {
		return netip.Addr{}, errNoAddress
	}
	return slices.MinFunc(usable, netip.Addr.Compare), nil
}
