package userconfig

import (
	"net/netip"
	"slices"
	"strings"
	"time"
)

// generate adds the checkers that interface@check and virtual_addr@check ask
// for. An explicit checker of the same class and ident replaces a generated
// one (userconfig-xml.md sections 8 and 13.1).
func (c *checkReader) generate(v *VIP) {
	for _, i := range v.Interfaces {
		for _, a := range i.Addrs() {
			if a.Addr == "" {
				continue
			}
			if i.Check {
				c.generateIntf(i, a)
			}
			if a.Check {
				c.generateIP(a)
			}
		}
	}
}

func (c *checkReader) generateIP(a VirtualAddr) {
	if c.taken("ip." + a.Addr) {
		return
	}
	c.checks.IP = append(c.checks.IP, IPCheck{Position: c.position, Ident: a.Addr, When: c.ipWhen(),
		Addr: a.Addr, Interval: 10 * time.Second, Generated: true})
}

// generateIntf needs to know the network of the address and an address of this
// node in it; without them there is nothing to watch.
func (c *checkReader) generateIntf(i Interface, a VirtualAddr) {
	network, local, ok := c.watched(i, a)
	if !ok {
		if len(c.env.LocalAddrs) > 0 {
			c.warnf(c.vips[canonical(a.Addr)], "no interface is watched for the virtual address '%s': this node has no address in its network", a.Addr)
		}
		return
	}
	if c.taken("intf." + network) {
		return
	}
	c.checks.Intf = append(c.checks.Intf, IntfCheck{Position: c.position, Ident: network, LocalAddr: local, Generated: true})
}

// taken claims an ident for a generated checker and counts its position.
func (c *checkReader) taken(key string) bool {
	if c.seen[key] {
		return true
	}
	c.seen[key] = true
	c.position++
	return false
}

// watched gives the network address of a virtual address and the first local
// address in that network.
func (c *checkReader) watched(i Interface, a VirtualAddr) (network, local string, ok bool) {
	ip, literal := parseIP(a.Addr)
	if !literal {
		return "", "", false
	}
	var subnet netip.Prefix
	if bits, given := prefixLen(a.Netmask); given && ip.Is4() {
		subnet = netip.PrefixFrom(ip, bits).Masked()
	}
	for _, l := range c.env.LocalAddrs {
		in := l.Prefix.Masked().Contains(ip)
		if subnet.IsValid() {
			in = subnet.Contains(l.Prefix.Addr())
		}
		if in && l.Prefix.Addr() != ip && (i.Name == "" || i.Name == l.Device) {
			if !subnet.IsValid() {
				subnet = l.Prefix.Masked()
			}
			return subnet.Addr().String(), l.Prefix.Addr().String(), true
		}
	}
	return "", "", false
}

// GeneratedRule is a failover rule that a checker's action asks for: Label:
// if (Resource == down) then Action() (failover-rules.md section 8.3).
type GeneratedRule struct {
	Label    string `json:"label"`
	Resource string `json:"resource"`
	Action   Action `json:"action"`
	// Implied: the file gave no action. The old class labels tcp_failure and
	// ping_failure disable exactly these rules.
	Implied bool `json:"implied,omitempty"`
}

// GeneratedRules gives the rules of the checkers in document order.
func (c *Config) GeneratedRules() []GeneratedRule {
	type placed struct {
		position int
		rule     GeneratedRule
	}
	var all []placed
	add := func(position int, prefix, class, ident string, action Action, implied bool) {
		if action != ActionNone {
			all = append(all, placed{position, GeneratedRule{prefix + ident, class + "." + ident, action, implied}})
		}
	}
	for _, t := range c.Checks.TCP {
		add(t.Position, "t_", "tcp", t.Ident, t.Action, t.Implied)
	}
	for _, p := range c.Checks.Ping {
		add(p.Position, "p_", "ping", p.Ident, p.Action, p.Implied)
	}
	for _, k := range c.Checks.Custom {
		add(k.Position, "c_", "custom", k.Ident, k.Action, false)
	}
	slices.SortStableFunc(all, func(a, b placed) int { return a.position - b.position })
	var rules []GeneratedRule
	for _, p := range all {
		rules = append(rules, p.rule)
	}
	return rules
}

// customRules warns of custom checkers that neither action nor rule acts on.
func (d *decoder) customRules(service *node, cfg *Config) {
	if d.safeconf {
		return
	}
	for _, k := range cfg.Checks.Custom {
		if len(d.warnings) >= maxErrors || k.Action != ActionNone || k.Ident == "" || mentions(cfg.Failover.Sections, "custom."+k.Ident) {
			continue
		}
		d.warnf(d.customLine(service, k.Ident), "no rule in <failover> mentions custom.%s: give <custom> an action or write a rule", clip(k.Ident))
	}
}

// mentions tells whether a rule text names a resource, or all of its class.
func mentions(sections []Section, resource string) bool {
	class, _, _ := strings.Cut(resource, ".")
	return slices.ContainsFunc(sections, func(s Section) bool {
		return containsWord(s.Text, resource) || strings.Contains(s.Text, class+".*") || strings.Contains(s.Text, class+".?")
	})
}

// containsWord looks for a resource name that is not a part of a longer one.
func containsWord(text, word string) bool {
	for {
		i := strings.Index(text, word)
		if i < 0 {
			return false
		}
		end := i + len(word)
		if (i == 0 || !validIdent(text[i-1:i])) && (end == len(text) || !validIdent(text[end:end+1])) {
			return true
		}
		text = text[end:]
	}
}

func (d *decoder) customLine(service *node, ident string) int {
	for _, check := range service.elems("check") {
		for _, n := range check.elems("custom") {
			if a := n.lookup("ident"); a != nil && strings.TrimSpace(a.value) == ident {
				return n.line
			}
		}
	}
	return service.line
}
