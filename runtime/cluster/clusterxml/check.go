package clusterxml

import (
	"net/netip"

	"github.com/safehold/safehold/runtime/ha"
)

// check holds the rules that look at more than one element.
func (p *parser) check(cfg *Config) {
	p.duplicates(cfg)
	p.addresses(cfg)
	p.complete(cfg)
	if len(p.mistakes) == 0 {
		p.remarks(cfg)
	}
}

// duplicates is C05.
func (p *parser) duplicates(cfg *Config) {
	lans := map[string]bool{}
	for _, l := range cfg.Lans {
		if l.Name != "" && lans[l.Name] {
			p.errorf(l.line, "duplicate lan name '%s'", l.Name)
		}
		lans[l.Name] = true
		nodes := map[ha.NodeName]bool{}
		for _, n := range l.Nodes {
			if n.Name != "" && nodes[n.Name] {
				p.errorf(n.line, "duplicate node name '%s' on lan %s", n.Name, l.Name)
			}
			nodes[n.Name] = true
		}
	}
}

// addresses is C06, and the mixed families of C11, for literal addresses.
func (p *parser) addresses(cfg *Config) {
	for _, c := range collisions(cfg) {
		p.errorf(c.line, "%s", c.msg)
	}
	for _, l := range cfg.Lans {
		if mixed(l) {
			p.errorf(l.line, "lan %s mixes IPv4 and IPv6 addresses", l.Name)
		}
	}
}

// complete is C07 and C08.
func (p *parser) complete(cfg *Config) {
	all := len(cfg.Nodes())
	commands, complete := 0, 0
	for _, l := range cfg.Lans {
		if len(l.Nodes) == all {
			complete++
		}
		if !l.Command {
			continue
		}
		if commands++; commands == 2 {
			p.errorf(l.line, `only one <lan> may have command="on"`)
		}
		if len(l.Nodes) < all {
			p.errorf(l.line, `lan '%s' must contain all nodes (command="on")`, l.Name)
		}
	}
	if complete == 0 {
		p.errorf(cfg.Lans[0].line, "no <lan> contains all the nodes of the cluster")
	}
}

// remarks are the warnings of cluster-xml.md section 5.
func (p *parser) remarks(cfg *Config) {
	if len(cfg.Lans) == 1 {
		p.warnf(cfg.Lans[0].line, "only one lan: the nodes are isolated when it fails")
	}
	explicit := false
	nets := map[netip.Prefix]string{}
	for _, l := range cfg.Lans {
		explicit = explicit || l.Command
		for _, n := range l.Nodes {
			if n.Addr != "" && !isIP(n.Addr) {
				p.warnf(n.line, "host name '%s' for %s on lan %s: a literal address does not depend on name resolution", n.Addr, n.Name, l.Name)
			}
		}
		net, ok := subnet(l)
		if other := nets[net]; ok && other != "" {
			p.warnf(l.line, "lans %s and %s look like the same subnet %s", other, l.Name, net)
		}
		nets[net] = l.Name
	}
	if len(cfg.Lans[0].Nodes) < len(cfg.Nodes()) && !explicit {
		p.warnf(cfg.Lans[0].line, "lan '%s' does not contain all nodes: distributed commands use lan '%s'",
			cfg.Lans[0].Name, cfg.CommandLan().Name)
	}
}

// subnet guesses the network of a lan from its first literal local address:
// the file holds no prefix lengths, so /24 and /64 are assumed.
func subnet(l Lan) (netip.Prefix, bool) {
	for _, n := range l.Nodes {
		ip, err := netip.ParseAddr(n.Local())
		if err != nil {
			continue
		}
		bits := 24
		if ip.Is6() {
			bits = 64
		}
		net, err := ip.Prefix(bits)
		return net, err == nil
	}
	return netip.Prefix{}, false
}
