package module

// Base ports of module id 1 and the node services (services.md section 3).
const (
	heartBase       = 8888
	replicationBase = 5600
	replicationStep = 4
	farmBase        = 4803
	farmStep        = 3
	// MembershipPort is the default of <lans port>.
	MembershipPort = 4800
	// WebPort serves probes, LinkPort the node-to-node HTTPS.
	WebPort  = 9010
	LinkPort = 9453
)

// HeartPort is the UDP port of a mirror module's heartbeats.
func HeartPort(id int) int { return heartBase + id - 1 }

// ReplicationPort is the TCP port of a mirror module's replication (safenfs_port).
func ReplicationPort(id int) int { return replicationBase + replicationStep*(id-1) }

// FarmPort is the UDP port of a farm module's membership.
func FarmPort(id int) int { return farmBase + farmStep*(id-1) }
