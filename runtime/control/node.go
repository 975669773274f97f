package control

import (
	"time"

	"github.com/safehold/safehold/runtime/ha"
)

// Paths of the daemon's socket, each a POST of the type named.
const (
	PathPing     = "/ping"              // nothing -> Pong
	PathChanged  = "/modules/changed"   // nothing -> nothing: modules came, went or were configured
	PathEnsure   = "/modules/ensure"    // Ensure -> nothing: its supervisor answers now
	PathRemote   = "/remote"            // Remote -> RemoteResults
	PathPeerView = "/peerview"          // PeerView -> View
	PathCluster  = "/cluster/config"    // ClusterConfig -> ClusterApplied
	PathConfInfo = "/cluster/confinfo"  // nothing -> ConfInfo
	PathNodes    = "/cluster/state"     // nothing -> ConfInfo
	PathClusterX = "/cluster/operation" // ClusterOperation -> ClusterApplied
	PathPassword = "/password"          // Password -> nothing
)

// Pong answers PathPing.
type Pong struct {
	Version string
	Node    ha.NodeName // "" while the cluster is not configured
	PID     int
}

// Ensure asks that a module's supervisor runs.
type Ensure struct{ Module ha.ModuleName }

// Remote runs a command on several servers: -H. Exactly one of Args, Deploy
// and Cluster says what.
type Remote struct {
	Servers string   // as written after -H
	Args    []string // words of the command
	Deploy  ha.ModuleName
	Cluster bool // -G
}

// RemoteResult is one server's answer.
type RemoteResult struct {
	Server string // URL shown in the header
	Output string
	Exit   int
	Err    string // the server was not reached, or refused
}

// RemoteResults answers Remote, in the order of the servers.
type RemoteResults struct{ Results []RemoteResult }

// PeerView asks the other node of a mirror for its view of the module.
type PeerView struct {
	Module ha.ModuleName
	Node   ha.NodeName
}

// ClusterConfig applies a cluster configuration.
type ClusterConfig struct {
	File   string // absolute path of an .xml or .zip; "" keeps the present one
	Check  bool   // only judge it
	Lock   bool
	Unlock bool
}

// ClusterApplied tells what was found and done.
type ClusterApplied struct{ Warnings []string }

// ClusterOperation is another change of the cluster configuration.
type ClusterOperation struct {
	Op    string   // create, deconfig, genkey, delkey
	Addrs []string // of create
}

// MemberModule is a module as a node announces it.
type MemberModule struct {
	Name      ha.ModuleName
	Mode      ha.Mode
	ID        int
	Signature string
	Date      time.Time
}

// Member is a node as the cluster sees it.
type Member struct {
	Node      ha.NodeName
	Local     bool
	Reachable bool
	Signature string
	Date      time.Time
	Locked    bool
	Modules   []MemberModule
}

// ConfInfo lists the nodes that answer and names those that do not.
type ConfInfo struct {
	Members []Member
	Silent  []ha.NodeName
}

// Password sets the console's and the private command user's password.
type Password struct{ Password string }
