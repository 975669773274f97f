package userconfig

// Config is one module's complete configuration, after expansion, defaulting
// and generation. It is plain data: read it, do not change it. A nil section
// was absent from the file. Durations are whole multiples of the implicit unit
// of their attribute (userconfig-xml.md section 3).
type Config struct {
	Service Service `json:"service"`
	// Heart is present in mirror modules and only there.
	Heart *Heart `json:"heart,omitempty"`
	// Farm is present in farm modules and only there.
	Farm *Farm `json:"farm,omitempty"`
	VIP  *VIP  `json:"vip,omitempty"`
	// RFS is nil when nothing is replicated.
	RFS *RFS `json:"rfs,omitempty"`
	// User is nil when no module script may be executed.
	User     *User    `json:"user,omitempty"`
	VHost    *VHost   `json:"vhost,omitempty"`
	Errd     *Errd    `json:"errd,omitempty"`
	Checks   Checks   `json:"checks"`
	Failover Failover `json:"failover"`
}
