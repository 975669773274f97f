package automaton

import (
	"github.com/safehold/safehold/plugins/api"
	"github.com/safehold/safehold/runtime/failover"
	"github.com/safehold/safehold/runtime/ha"
)

// Facts are what a node remembers through a crash (states.md section 5.1). The
// zero value is a module that was just configured.
type Facts struct {
	// UpToDate: this node may become primary without its peer. It is down on
	// disk while the node is secondary, so that a crash leaves it untrusted.
	UpToDate bool     `json:"uptodate"`
	LastPrim bool     `json:"lastprim"` // the last settled role was ALONE or PRIM
	LastRole ha.State `json:"lastrole"` // the last settled role; Stop when none
	Epoch    uint64   `json:"epoch"`    // grows with each takeover
	Seen     uint64   `json:"seen"`     // the highest epoch heard of the peer
	// Life counts the processes of this module that were started, so that the
	// peer can tell the newest from one whose datagrams come late.
	Life uint64 `json:"life"`
	// TookOver: the present stretch as primary began by replacing the peer.
	TookOver bool `json:"tookover"`
	// Taking is the generation that a takeover is about to begin. The node is up
	// to date once its replicator has begun it, which makes the data durable.
	Taking ha.Generation `json:"taking,omitzero"`
	// OwesFull: the peer's next catch-up copies everything (prim fullsync, primforce).
	OwesFull bool `json:"owesfull"`
	// TakesFull: this node's next catch-up copies everything (second fullsync).
	TakesFull bool `json:"takesfull"`
	// Loop is the maxloop counter.
	Loop failover.Loop `json:"loop"`
}

// Handover says that the sender gave up the primary role and that a ready
// secondary in generation Current may take it.
type Handover struct {
	Epoch   uint64        `json:"epoch"`            // the epoch the new primary begins
	Current ha.Generation `json:"current"`          // of the data handed over
	Swap    bool          `json:"swap,omitempty"`   // the sender becomes secondary at once
	NoSync  bool          `json:"nosync,omitempty"` // swap nosync
	Fault   bool          `json:"fault,omitempty"`  // the sender's replication or disk failed
}

// PeerState is what a node tells the other in each pulse.
type PeerState struct {
	Incarnation uint64 `json:"inc"`  // of the sending process
	Life        uint64 `json:"life"` // orders the processes of a node
	Sequence    uint64 `json:"seq"`  // grows with each publication
	Version     uint64 `json:"ver"`  // grows when anything but Echo changes
	// Echo is the newest Version heard from the process EchoOf.
	Echo   uint64 `json:"echo,omitempty"`
	EchoOf uint64 `json:"echoof,omitempty"`
	// Deaf: the sender hears nothing from the receiver.
	Deaf bool `json:"deaf,omitempty"`
	// Probe asks the receiver to answer with the same number; Answer does.
	Probe  uint64 `json:"probe,omitempty"`
	Answer uint64 `json:"answer,omitempty"`

	Signature string  `json:"sig,omitempty"`
	Epoch     uint64  `json:"epoch"`
	Role      ha.Role `json:"role"`
	// Verb is what the node is starting as, VerbNone when it is not starting.
	Verb ha.Verb `json:"verb,omitempty"`
	// Stopping: the node is leaving its role and will tell when it has left.
	Stopping bool     `json:"stopping,omitempty"`
	First    bool     `json:"first,omitempty"`
	UpToDate bool     `json:"uptodate"`
	LastPrim bool     `json:"lastprim,omitempty"`
	LastRole ha.State `json:"lastrole,omitempty"`
	TookOver bool     `json:"tookover,omitempty"`
	// Degraded: the node's replication failed.
	Degraded bool `json:"degraded,omitempty"`
	// DataReady, of a secondary: its data equal the primary's and it may take over.
	DataReady bool          `json:"ready,omitempty"`
	Data      api.DataFacts `json:"data"`

	Handover *Handover `json:"handover,omitempty"`
	// Outdated is the generation a primary is about to begin without the receiver.
	Outdated ha.Generation `json:"outdated,omitzero"`
	// OutdatedAck repeats Outdated once the secondary gave up its right to take over.
	OutdatedAck ha.Generation `json:"outdatedack,omitzero"`
	// SwapAsked numbers a secondary's request to exchange roles.
	SwapAsked  uint64 `json:"swapasked,omitempty"`
	SwapNoSync bool   `json:"swapnosync,omitempty"`
}
