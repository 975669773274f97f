package control

import (
	"time"

	"github.com/safehold/safehold/plugins/api"
	"github.com/safehold/safehold/runtime/ha"
)

// Paths of a supervisor's socket, each a POST of the type named.
const (
	PathCommand = "/command" // Command -> nothing; accepted, not done
	PathView    = "/view"    // nothing -> View
	PathSet     = "/set"     // Set -> nothing
	PathGet     = "/get"     // Get -> Value
	PathSay     = "/say"     // Say -> nothing
	PathAwait   = "/await"   // Await -> View, when it holds
	PathSetting = "/setting" // Setting -> nothing
	PathLoop    = "/loop"    // Loop -> LoopState
	PathErrd    = "/errd"    // Errd -> ErrdList
	PathReload  = "/reload"  // nothing -> nothing: read the active configuration again
	PathLeave   = "/leave"   // nothing -> nothing: end the supervisor; refused unless STOP
	PathRules   = "/rules"   // Rules -> RulesView
)

// Command is a request to the automaton.
type Command struct {
	Verb     ha.Verb
	Who      string    // root, admin@10.0.0.1: appears in the log
	Identity string    // -i: an automatic action, counted by maxloop
	Boot     bool      // start at boot time
	FullSync bool      // prim fullsync, second fullsync
	NoSync   bool      // swap nosync
	Since    time.Time // secondforce -d
	// FromScript says the caller runs inside a script of the same module
	// (SAFEMODULE was set): what would wait for that script is refused.
	FromScript bool
}

// Resource is one resource with its last assignment.
type Resource struct {
	Name    string
	Value   string
	Setter  string
	Changed time.Time
}

// View is everything one node knows about a module.
type View struct {
	Module          ha.ModuleName
	ID              int
	Mode            ha.Mode
	Node            ha.NodeName
	Peer            ha.NodeName // "" when there is none
	PeerAddr        string
	Local           ha.Role
	Remote          ha.Role
	LocalSince      time.Time
	RemoteSeen      time.Time // last word of the peer; zero when never heard
	Rule            string    // label of the rule last applied
	Waiting         string    // why the module waits, in words; "" when it does not
	Script          string    // script running now
	ScriptFrom      time.Time // since when
	Data            *api.DataFacts
	Sync            *api.SyncStats // a resynchronisation in progress or the last one
	Syncing         bool
	LocalResources  []Resource
	RemoteResources []Resource
	Signature       string // of the active configuration
	PID             int
}

// Set assigns a resource.
type Set struct {
	Resource string
	Value    string
	Identity string
	NoLog    bool
	ForceLog bool
}

// Get asks for one resource.
type Get struct{ Resource string }

// Value answers Get.
type Value struct{ Value string }

// Say writes a line into the module log.
type Say struct {
	Origin string
	Level  ha.Level
	Text   string
}

// AwaitWhat says what to wait for.
type AwaitWhat string

// What Await waits for.
const (
	AwaitStart AwaitWhat = "start" // Ready or WAIT NotReady; an error if it ends in STOP
	AwaitStop  AwaitWhat = "stop"  // STOP
	AwaitState AwaitWhat = "state" // State in its stable form
)

// Await is a wait; it ends with the connection.
type Await struct {
	What  AwaitWhat
	State ha.State
}

// Setting turns a maintenance switch: errd, checker, failover, boot.
type Setting struct {
	Name string
	On   bool
}

// Loop handles the maxloop counter.
type Loop struct {
	Op       string // inc, reset, check
	Identity string
}

// LoopState answers Loop. Reached means the limit is reached.
type LoopState struct {
	Count   int
	Reached bool
}

// Errd enables or disables a class of monitored processes, or only lists.
type Errd struct {
	Op    string // enable, disable, list
	Class string
}

// ErrdList answers Errd.
type ErrdList struct{ Lines []string }

// Rules asks for the rule set, or for what it would do if resources were
// otherwise: each of Try is "class.id=value".
type Rules struct{ Try []string }

// RulesView answers Rules: a text for people.
type RulesView struct{ Text string }
