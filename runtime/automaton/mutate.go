package automaton

import "time"

// Fault is one safety rule left out. Faults exist so that the simulator can
// prove that it notices the absence of each rule; New never sets one.
type Fault uint32

// The rules that can be left out.
const (
	PromoteStale        Fault = 1 << iota // start as primary without uptodate
	PromoteInconsistent                   // start as primary on half-copied data
	IgnoreGenerations                     // take every history for equal
	ForgetEpoch                           // do not count takeovers
	AcceptOld                             // accept replayed and older peer states
	SkipOutdated                          // detach at once, without telling the peer
	IgnoreOutdated                        // a secondary told that it is behind stays ready
	KeepUptodate                          // a secondary stays trusted on disk
	PersistLate                           // publish before the facts are durable
	SkipHoldLimit                         // wait for ever for the peer's word
	BothStay                              // nobody gives way after a split brain
	HandoverEarly                         // hand over before the stop scripts end
	SkipPoststop                          // leave out poststop
	SkipDrain                             // hand over without draining the replication
	SkipStopScripts                       // leave a role without its stop scripts
	KeepGeneration                        // become ALONE without a new generation
	TrustFrozen                           // believe in the past after a freeze
	HandoverUnheard                       // a secondary not ready takes a handover
	SkipGiveWay                           // overwrite a diverged history without rescue
)

// NewMutant makes a machine that lacks the given rules. For the simulator only.
func NewMutant(c Config, f Facts, start time.Duration, faults Fault) *Machine {
	m := New(c, f, start)
	m.faults = faults
	return m
}

func (m *Machine) mutant(f Fault) bool { return m.faults&f != 0 }
