package userconfig

import "github.com/safehold/safehold/runtime/ha"

// Dirs gives the replicated directories.
func (c *Config) Dirs() []string {
	if c.RFS == nil {
		return nil
	}
	var dirs []string
	for _, r := range c.RFS.Replicated {
		dirs = append(dirs, r.Dir)
	}
	return dirs
}

// VIPs gives the virtual addresses.
func (c *Config) VIPs() []string {
	if c.VIP == nil {
		return nil
	}
	var addrs []string
	for _, i := range c.VIP.Interfaces {
		for _, a := range i.Addrs() {
			addrs = append(addrs, a.Addr)
		}
	}
	return addrs
}

// Resources gives the resources that heartbeats, checkers and monitored
// processes of the configuration set, by class and in document order.
func (c *Config) Resources() []ha.Resource {
	var all []ha.Resource
	add := func(class, id string) { all = append(all, ha.Resource{Class: class, ID: id}) }
	if c.Heart != nil {
		for _, b := range c.Heart.Heartbeats {
			add("heartbeat", b.Ident)
		}
	}
	for _, t := range c.Checks.TCP {
		add("tcp", t.Ident)
	}
	for _, p := range c.Checks.Ping {
		add("ping", p.Ident)
	}
	for _, i := range c.Checks.Intf {
		add("intf", i.Ident)
	}
	for _, i := range c.Checks.IP {
		add("ip", i.Ident)
	}
	for _, k := range c.Checks.Custom {
		add("custom", k.Ident)
	}
	for _, m := range c.Checks.Module {
		add("module", m.Ident)
	}
	if s := c.Checks.SplitBrain; s != nil {
		add("splitbrain", s.Ident)
		add("splitbrain", "uptodate")
	}
	if c.Errd != nil {
		for _, p := range c.Errd.Procs {
			add("proc", p.Name)
		}
	}
	return all
}

// ReplicationNetwork gives the network that carries replication: <flow>, else
// the heartbeat with ident FlowIdent, else the first heartbeat. Servers is set
// instead of lan in the 7.1 form (userconfig-xml.md section 9).
func (c *Config) ReplicationNetwork() (lan string, servers []string) {
	if c.RFS != nil && c.RFS.Flow != nil {
		return c.RFS.Flow.Lan, c.RFS.Flow.Servers
	}
	if c.Heart == nil || len(c.Heart.Heartbeats) == 0 {
		return "", nil
	}
	for _, b := range c.Heart.Heartbeats {
		if b.Ident == FlowIdent {
			return b.Lan, b.Servers
		}
	}
	return c.Heart.Heartbeats[0].Lan, c.Heart.Heartbeats[0].Servers
}
