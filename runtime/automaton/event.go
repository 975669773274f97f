package automaton

import (
	"time"

	"github.com/safehold/safehold/plugins/api"
	"github.com/safehold/safehold/runtime/ha"
)

// Event is one thing that happened to a module.
type Event interface{ event() }

// Command asks for an action: an administrator, a script, a checker, the boot.
type Command struct {
	Verb ha.Verb
	Who  string // shown in "called by": root, admin@10.0.0.1, errd
	// Identity, when not empty, makes the command automatic: it counts in
	// maxloop, and it is shown instead of Who.
	Identity string
	FullSync bool      // prim fullsync, second fullsync
	NoSync   bool      // swap nosync
	Since    time.Time // of secondforce: copy files modified after this date
	Boot     bool      // of start: at boot time
	Services string    // of restart: argument of -Services for the scripts
	// At is the wall clock, for the maxloop window and nothing else.
	At time.Time
}

// Heard is a payload of the peer.
type Heard struct{ State PeerState }

// Link is the state of one heartbeat.
type Link struct {
	Ident string
	Up    bool
}

// ScriptDone ends RunScript.
type ScriptDone struct {
	Seq  uint64
	Exit int
}

// DataDone ends Assign or Detach. Facts are the newest, also with an error.
type DataDone struct {
	Seq   uint64
	Err   error
	Facts api.DataFacts
}

// Data is an event of the replicator.
type Data struct{ Event api.DataEvent }

// DataBack says that a replicator is configured, idle.
type DataBack struct{ Facts api.DataFacts }

// DataGone says that the replicator's process died.
type DataGone struct{ Reason string }

// Verdict is the word of the failover machine.
type Verdict struct {
	// Verb: VerbWait (in WAIT: hold; elsewhere: leave the role and hold),
	// VerbWakeup, VerbStop, VerbStopStart, VerbRestart, VerbSwap.
	Verb ha.Verb
	Rule string
	// Gate: a resource of a wait rule is still init; Verb is VerbNone.
	Gate bool
	// Counted: executing it counts in maxloop.
	Counted bool
	// At is the wall clock, for the maxloop window and nothing else.
	At time.Time
}

// Setting changes a user setting while running: failover with on or off.
type Setting struct{ Name, Value string }

// Witness is the answer of the split-brain checker: heard or not.
type Witness struct{ Reached bool }

// Reconfigured replaces the configuration while running.
type Reconfigured struct{ Config Config }

// ResetLoop clears the maxloop counter (resetloop).
type ResetLoop struct{}

// CountLoop counts an action that a handler took by itself (incloop). The
// caller has asked Facts.Loop whether the limit allows it.
type CountLoop struct {
	At time.Time // the wall clock, for the maxloop window and nothing else
}

// Tick says that time has passed.
type Tick struct{}

func (Command) event()      {}
func (Heard) event()        {}
func (Link) event()         {}
func (ScriptDone) event()   {}
func (DataDone) event()     {}
func (Data) event()         {}
func (DataBack) event()     {}
func (DataGone) event()     {}
func (Verdict) event()      {}
func (Setting) event()      {}
func (Witness) event()      {}
func (Reconfigured) event() {}
func (ResetLoop) event()    {}
func (CountLoop) event()    {}
func (Tick) event()         {}
