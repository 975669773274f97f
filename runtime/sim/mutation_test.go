package sim

import (
	"testing"

	"github.com/safehold/safehold/runtime/automaton"
)

// mutationSteps bounds the search for a schedule that shows a missing rule.
const mutationSteps = 1_000_000

// TestMutation leaves out one safety rule at a time; the verifier has to notice.
func TestMutation(t *testing.T) {
	for _, m := range []struct {
		name string
		o    Options
	}{
		{"promote without uptodate", Options{Faults: automaton.PromoteStale}},
		{"promote while inconsistent", Options{Faults: automaton.PromoteInconsistent}},
		{"ignore generations", Options{Faults: automaton.IgnoreGenerations}},
		{"forget the epoch", Options{Faults: automaton.ForgetEpoch}},
		{"accept old states", Options{Faults: automaton.AcceptOld}},
		{"skip the outdated handshake", Options{Faults: automaton.SkipOutdated}},
		{"stay ready though outdated", Options{Faults: automaton.IgnoreOutdated}},
		{"keep uptodate durable while second", Options{Faults: automaton.KeepUptodate}},
		{"persist after publish", Options{Faults: automaton.PersistLate}},
		{"wait for ever for the peer's word", Options{Faults: automaton.SkipHoldLimit}},
		{"both stay alone after split brain", Options{Faults: automaton.BothStay}},
		{"hand over before the stop scripts end", Options{Faults: automaton.HandoverEarly}},
		{"skip poststop", Options{Faults: automaton.SkipPoststop}},
		{"hand over without draining", Options{Faults: automaton.SkipDrain}},
		{"leave without stop scripts", Options{Faults: automaton.SkipStopScripts}},
		{"no new generation, so the peer is not behind", Options{Faults: automaton.KeepGeneration}},
		{"trust a frozen node", Options{Faults: automaton.TrustFrozen}},
		{"take over when not ready", Options{Faults: automaton.HandoverUnheard}},
		{"no rescue of a diverged history", Options{Faults: automaton.SkipGiveWay}},
		{"clear dirty before the copy is acknowledged", Options{DirtyEarly: true}},
		{"no hold of acknowledgements", Options{NoHold: true}},
	} {
		t.Run(m.name, func(t *testing.T) {
			steps := 0
			for seed := uint64(1); steps < mutationSteps; seed++ {
				s := Random(seed, 40, m.o)
				n, err := s.Run(s.Options)
				steps += n
				if err != nil {
					t.Logf("caught after %d steps, seed %d: %v", steps, seed, err)
					return
				}
			}
			t.Errorf("not caught in %d steps", steps)
		})
	}
}
