package automaton

import (
	"time"

	"github.com/safehold/safehold/runtime/ha"
)

// Config is what the module's configuration and the node say. The maps and
// slices are not changed after New.
type Config struct {
	Module ha.ModuleName
	Mode   ha.Mode
	Local  ha.NodeName
	Peer   ha.NodeName // of a mirror
	First  bool        // Local comes before Peer in cluster.xml: the last tie-break
	// Replicated tells whether the module has <rfs>.
	Replicated bool
	// Links are the idents of the heartbeats of a mirror.
	Links []string
	// FlowLink is the heartbeat the replication is bound to (ident="flow"), or empty.
	FlowLink string
	// DefaultPrim is "alone" (also when empty), "lastprim" or a node name (states.md section 5.5).
	DefaultPrim string
	// FailoverOff is service@failover="off". A Setting event overrides it until Reconfigured.
	FailoverOff bool
	// Signature is the digest of module and configuration; nodes that differ do not pair.
	Signature string
	// MaxLoop and LoopInterval limit automatic actions; LoopInterval 0: no limit.
	MaxLoop      int
	LoopInterval time.Duration
	// AutomaticReboot makes a stopstart reboot the host.
	AutomaticReboot bool
	// HoldLimit bounds how long a primary that lost its secondary waits for the
	// secondary's word before it goes on alone. 0 = DefaultHoldLimit.
	HoldLimit time.Duration
	// PeerTimeout is the longest timeout of the heartbeats. 0 = DefaultPeerTimeout.
	PeerTimeout time.Duration
	// ResyncTimeout is how long a secondary may be without its primary while it
	// catches up (reitimeout). 0 = DefaultResyncTimeout.
	ResyncTimeout time.Duration
	// Incarnation names this process, random and not zero.
	Incarnation uint64
	// NewGeneration gives a fresh random data generation.
	NewGeneration func() ha.Generation
}

// The defaults of the times in Config.
const (
	DefaultHoldLimit     = 5 * time.Second
	DefaultPeerTimeout   = 30 * time.Second
	DefaultResyncTimeout = 150 * time.Second
)

func (c Config) withDefaults() Config {
	if c.HoldLimit <= 0 {
		c.HoldLimit = DefaultHoldLimit
	}
	if c.PeerTimeout <= 0 {
		c.PeerTimeout = DefaultPeerTimeout
	}
	if c.ResyncTimeout <= 0 {
		c.ResyncTimeout = DefaultResyncTimeout
	}
	return c
}
