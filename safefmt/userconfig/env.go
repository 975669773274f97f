package userconfig

import "net/netip"

// Env is what the checks must know about the world. Every field may be left
// out; the checks that need it are then skipped, so that a file can also be
// checked away from its node.
type Env struct {
	// Module is the name of the module being configured.
	Module string
	// Node is this node's name in cluster.xml.
	Node string
	// ModuleNodes are the cluster nodes on which the module is configured.
	ModuleNodes []string
	// Cluster is the active cluster configuration. A Cluster without lans means
	// that the cluster is not configured.
	Cluster *Cluster
	// Getenv looks up a variable of the configuring process, SAFE… included.
	Getenv func(name string) (value string, ok bool)
	// Stat examines an absolute path. An error that is fs.ErrNotExist means the
	// path is missing. It must not hang on a dead mount.
	Stat func(path string) (PathInfo, error)
	// Executable tells whether a file, absolute or relative to the module's bin,
	// can be executed: nil, an error that is fs.ErrNotExist, or another error.
	Executable func(name string) error
	// LocalAddrs are the addresses configured on this node.
	LocalAddrs []LocalAddr
	// Others are the other configured modules of this node.
	Others []Other
	// Rules checks the text of <failover>, the rule language being known elsewhere.
	Rules func(cfg *Config) []RuleProblem
}

// Cluster is the part of cluster.xml that modules name.
type Cluster struct {
	// Lans in document order.
	Lans []Lan
	// HostNames are the host names of the nodes, other names defaultprim accepts.
	HostNames []string
}

// Lan is one network of cluster.xml with the names of its nodes.
type Lan struct {
	Name  string
	Nodes []string
}

// PathInfo is what Stat found.
type PathInfo struct {
	Dir bool
}

// LocalAddr is one address of this node: the device and the address with the
// length of its subnet.
type LocalAddr struct {
	Device string
	Prefix netip.Prefix
}

// Other is another configured module.
type Other struct {
	Module string
	// Dirs are its replicated directories, VIPs its virtual addresses; see
	// Config.Dirs and Config.VIPs.
	Dirs []string
	VIPs []string
}

// RuleProblem is one mistake, or one doubt when Warning is set, in a rule text.
// Line counts in userconfig.xml.
type RuleProblem struct {
	Line    int
	Text    string
	Warning bool
}
