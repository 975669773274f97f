package userconfig

import "time"

// later is the one list of what is parsed, checked and kept, and whose runtime
// part comes with a later release. An entry leaves when its part arrives.
var later = []struct {
	asked func(*Config) bool
	text  string
}{
	{func(c *Config) bool { return c.Heart != nil && c.Heart.PermanentARP && c.Heart.PermanentARPSet },
		"heart@permanent_arp: the peer's hardware address is not pinned"},
	{func(c *Config) bool { return c.VIP != nil }, "<vip>: virtual addresses are not set"},
	{func(c *Config) bool { return c.VIP != nil && len(c.VIP.Groups) > 0 }, "<loadbalancing_list>: the load is not shared between the nodes"},
	{func(c *Config) bool { return c.VHost != nil }, "<vhost>: the virtual host name is not provided"},
	{func(c *Config) bool { return len(c.Checks.Intf) > 0 }, "<intf>: network interfaces are not watched"},
	{func(c *Config) bool { return len(c.Checks.IP) > 0 }, "<ip>: local addresses are not watched"},
	{func(c *Config) bool { return len(c.Checks.Module) > 0 }, "<module>: other modules are not watched"},
	{func(c *Config) bool { return c.Checks.SplitBrain != nil }, "<splitbrain>: witnesses are not asked"},
	{func(c *Config) bool { return c.RFS != nil && c.RFS.SyncDelta > time.Minute },
		"rfs@syncdelta: only an up-to-date node becomes primary"},
	{func(c *Config) bool { return c.RFS != nil && c.RFS.SyncAt != "" }, "rfs@syncat: replication is in real time"},
	{func(c *Config) bool { return c.RFS != nil && c.RFS.NbRemConn > 1 }, "rfs@nbremconn: one connection is used"},
	{func(c *Config) bool { return c.RFS != nil && c.RFS.ACLSet && !c.RFS.ACL },
		"rfs@acl: access control lists are always replicated"},
}

// NotYetActedOn gives one line for each thing the file asks for that this
// release checks and keeps but does not do.
func NotYetActedOn(c *Config) []string {
	var lines []string
	for _, l := range later {
		if l.asked(c) {
			lines = append(lines, l.text+" by this release")
		}
	}
	return lines
}
