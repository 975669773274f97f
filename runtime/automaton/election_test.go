package automaton

import (
	"testing"

	"github.com/safehold/safehold/plugins/api"
	"github.com/safehold/safehold/runtime/ha"
	"pgregory.net/rapid"
)

func drawCandidate(t *rapid.T, name string, first bool) candidate {
	b := func(what string) bool { return rapid.Bool().Draw(t, name+what) }
	verb := rapid.SampledFrom([]ha.Verb{ha.VerbStart, ha.VerbPrim, ha.VerbPrimForce, ha.VerbSecond}).Draw(t, name+"verb")
	c := candidate{usable: b("usable"), preferred: b("preferred")}
	c.PeerState = PeerState{Verb: verb, First: first, LastPrim: b("lastprim"), TookOver: b("tookover"),
		Epoch: rapid.Uint64Range(0, 3).Draw(t, name+"epoch"),
		Data: api.DataFacts{Clean: b("clean"), Consistent: b("consistent"), PeerBehind: b("behind"),
			History: rapid.SampledFrom(histories()).Draw(t, name+"history")}}
	return c
}

func histories() []ha.History {
	a := ha.History{}.Next(gen(1))
	return []ha.History{{}, a, a.Next(gen(2)), a.Next(gen(3)), a.Next(gen(2)).Next(gen(4))}
}

// Both nodes compute the outcome from the same facts, each from its side.
func TestElectionIsSymmetric(t *testing.T) {
	opposite := map[winner]winner{nobody: nobody, mine: peers, peers: mine}
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawCandidate(t, "a", true), drawCandidate(t, "b", false)
		ab := elect(a, b, ha.Compare(a.Data.History, b.Data.History))
		ba := elect(b, a, ha.Compare(b.Data.History, a.Data.History))
		if ba != opposite[ab] {
			t.Fatalf("one node says %d, the other %d", ab, ba)
		}
	})
}

func TestRecoveryIsSymmetric(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawCandidate(t, "a", true).PeerState, drawCandidate(t, "b", false).PeerState
		ab := stays(a, b, ha.Compare(a.Data.History, b.Data.History))
		ba := stays(b, a, ha.Compare(b.Data.History, a.Data.History))
		if ab == ba {
			t.Fatalf("both say %t", ab)
		}
	})
}

// Rows of states.md section 5.4.
func TestElection(t *testing.T) {
	same := histories()[1]
	for _, tc := range []struct {
		name string
		a, b candidate
		rel  ha.Relation
		want winner
	}{
		{"up and down", candidate{usable: true}, candidate{}, ha.Same, mine},
		{"down and up", candidate{}, candidate{usable: true}, ha.Same, peers},
		{"both down", candidate{}, candidate{}, ha.Same, nobody},
		{"both up, ahead", candidate{usable: true}, candidate{usable: true, PeerState: PeerState{LastPrim: true}}, ha.Ahead, mine},
		{"both up, lastprim", candidate{usable: true, PeerState: PeerState{First: true}},
			candidate{usable: true, PeerState: PeerState{LastPrim: true}}, ha.Same, peers},
		{"both up, defaultprim", candidate{usable: true, PeerState: PeerState{First: true}}, candidate{usable: true, preferred: true}, ha.Same, peers},
		{"both up, first", candidate{usable: true, PeerState: PeerState{First: true}}, candidate{usable: true}, ha.Same, mine},
		{"both down after a handover", candidate{PeerState: PeerState{LastPrim: true,
			Data: api.DataFacts{History: same, Clean: true, Consistent: true}}}, candidate{PeerState: PeerState{Data: api.DataFacts{History: same}}}, ha.Same, mine},
		{"prim against start", candidate{PeerState: PeerState{Verb: ha.VerbPrim}}, candidate{usable: true}, ha.Behind, mine},
	} {
		if got := elect(tc.a, tc.b, tc.rel); got != tc.want {
			t.Errorf("%s: %d, want %d", tc.name, got, tc.want)
		}
	}
}

// An election waits until the peer has heard this node's present state.
func TestElectionNeedsAgreement(t *testing.T) {
	r := at(t, "WAIT Transient").up()
	r.peer("WAIT Transient", func(s *PeerState) { s.Echo = 0 })
	if got := r.m.Role().State; got != ha.Wait {
		t.Fatalf("%v before the peer knows of this node", got)
	}
	r.peer("WAIT Transient")
	if got := r.m.Role().State; got != ha.Alone {
		t.Fatalf("%v after the peer knows of this node", got)
	}
}
