package membership

import (
	"slices"
	"time"

	"github.com/hashicorp/memberlist"

	"github.com/safehold/safehold/runtime/cluster/clusterxml"
	"github.com/safehold/safehold/runtime/ha"
)

// Settings is an applied cluster configuration as membership needs it.
type Settings struct {
	Config    *clusterxml.Config // resolved: addresses only
	Local     ha.NodeName
	Signature string
	Locked    bool
	Date      time.Time
	// Key encrypts and authenticates the traffic: the cluster key's subkey
	// Purpose. nil leaves it in the clear (`cluster delkey`).
	Key *[32]byte
}

// Purpose names the subkey of the cluster key used here.
const Purpose = "memberlist"

// rejoinPeriod is how often absent peers are called again, and the pause
// before another attempt to bind an address that is not there yet.
const rejoinPeriod = time.Second

// sameSockets tells whether changing from s to t needs no new sockets.
func (s *Settings) sameSockets(t *Settings) bool {
	if s == nil || t == nil {
		return s == t
	}
	sameKey := (s.Key == nil) == (t.Key == nil) && (s.Key == nil || *s.Key == *t.Key)
	return sameKey && s.Signature == t.Signature && s.Local == t.Local &&
		slices.Equal(clusterxml.Encode(s.Config), clusterxml.Encode(t.Config))
}

// lanConfig tunes memberlist for one lan. From the last answer to the loss of
// a node pass at most four probe intervals: one until the next probe, one for
// the probe with its fall-back to TCP, two of suspicion.
func lanConfig(s *Settings, me clusterxml.Node) *memberlist.Config {
	probe := max(s.Config.Pulse*time.Duration(s.Config.SLost)/4, 20*time.Millisecond)
	c := memberlist.DefaultLANConfig()
	c.Name = string(s.Local)
	c.BindAddr, c.BindPort = me.Local(), s.Config.Port
	c.AdvertiseAddr, c.AdvertisePort = me.Addr, s.Config.Port
	c.ProbeInterval, c.ProbeTimeout = probe, probe/2
	c.SuspicionMult = 2
	c.GossipInterval = s.Config.Pulse
	c.GossipToTheDeadTime = 2 * probe
	c.PushPullInterval = 10 * time.Second
	c.TCPTimeout = min(max(4*probe, time.Second), 5*time.Second)
	// A node may come back at once under another address.
	c.DeadNodeReclaimTime = time.Millisecond
	c.RequireNodeNames = true
	c.EnableCompression = false
	c.DNSConfigPath = ""
	if s.Key != nil {
		c.SecretKey = slices.Clone(s.Key[:])
	}
	return c
}
