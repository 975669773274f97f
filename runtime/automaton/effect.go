package automaton

import (
	"time"

	"github.com/safehold/safehold/plugins/api"
	"github.com/safehold/safehold/runtime/ha"
)

// Effect is one thing the caller has to do. Effects are carried out in order.
type Effect interface{ effect() }

// RunScript starts a module script and is answered with ScriptDone. Args are
// complete: "force" is the first one of a forced call (scripts.md section 2).
type RunScript struct {
	Seq   uint64
	Name  string
	Args  []string
	Force bool // forced stop: its own time limit and log mark
}

// KillScript kills the running script Seq and its group.
type KillScript struct{ Seq uint64 }

// Assign gives the replicator a role and is answered with DataDone.
type Assign struct {
	Seq        uint64
	Assignment api.Assignment
}

// Detach lets a primary go on without its peer, answered with DataDone.
type Detach struct {
	Seq        uint64
	Generation ha.Generation
}

// SetVIP sets or removes the virtual addresses.
type SetVIP struct{ On bool }

// Class is a class of checkers, bound to a role.
type Class string

// The classes: pre runs from prestart to poststop; the others with the scripts
// of the same name (userconfig-xml.md, when and class).
const (
	ClassPre    Class = "pre"
	ClassPrim   Class = "prim"
	ClassBoth   Class = "both"
	ClassSecond Class = "second"
	ClassSec    Class = "sec"
)

// Checkers starts or stops the checkers of a class.
type Checkers struct {
	Class Class
	On    bool
}

// Publish tells the peer.
type Publish struct{ State PeerState }

// Persist makes the facts durable before any later effect.
type Persist struct{ Facts Facts }

// SetResource assigns a resource.
type SetResource struct {
	Resource ha.Resource
	Value    string
	Identity string
}

// Log is one line of the module log.
type Log struct {
	Level  ha.Level
	Origin string
	Text   string
}

// RoleChanged tells the new role. The log line goes before it.
type RoleChanged struct{ From, To ha.Role }

// Refused says that the command of this Step was not accepted.
type Refused struct{ Reason string }

// Reboot restarts the host (automatic_reboot).
type Reboot struct{}

// Arm asks for a Tick at this time, of the clock given to Step.
type Arm struct{ At time.Duration }

func (RunScript) effect()   {}
func (KillScript) effect()  {}
func (Assign) effect()      {}
func (Detach) effect()      {}
func (SetVIP) effect()      {}
func (Checkers) effect()    {}
func (Publish) effect()     {}
func (Persist) effect()     {}
func (SetResource) effect() {}
func (Log) effect()         {}
func (RoleChanged) effect() {}
func (Refused) effect()     {}
func (Reboot) effect()      {}
func (Arm) effect()         {}
