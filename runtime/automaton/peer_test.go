package automaton

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/safehold/safehold/plugins/api"
	"github.com/safehold/safehold/runtime/ha"
)

// A pulse stays far below what one datagram carries, with the longest history.
func TestPeerStateFitsAPulse(t *testing.T) {
	h := ha.History{}
	for i := range 2 * ha.MaxAncestors {
		h = h.Next(gen(byte(i + 1)))
	}
	s := PeerState{Incarnation: 1 << 60, Sequence: 1 << 60, Signature: string(make([]byte, 64)), Data: api.DataFacts{History: h},
		Handover: &Handover{Epoch: 9, Current: gen(1), Swap: true}, Outdated: gen(2), OutdatedAck: gen(3)}
	raw, err := json.Marshal(s)
	if err != nil || len(raw) > api.MaxPayload/4 {
		t.Fatalf("%d bytes, %v", len(raw), err)
	}
	var back PeerState
	if err := json.Unmarshal(raw, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(s, back); diff != "" {
		t.Error(diff)
	}
}

func TestFactsJSON(t *testing.T) {
	f := Facts{UpToDate: true, LastRole: ha.Prim, Epoch: 7, Seen: 9, TakesFull: true}
	raw, err := json.Marshal(f)
	var back Facts
	if err != nil || json.Unmarshal(raw, &back) != nil || back != f {
		t.Errorf("%s, %v, %+v", raw, err, back)
	}
}

// Replayed, older and retired states of the peer change nothing.
func TestOldStatesAreRefused(t *testing.T) {
	r := at(t, "ALONE Ready").up()
	say := func(inc, seq, epoch uint64, role ha.State) {
		r.send(Heard{PeerState{Incarnation: inc, Life: inc, Sequence: seq, Version: seq, Epoch: epoch, Signature: "s",
			Role: ha.Role{State: role, Status: ha.Transient}, Data: r.data}})
	}
	say(2, 5, 3, ha.Wait)
	say(2, 4, 3, ha.Second)
	say(2, 5, 3, ha.Second)
	say(2, 6, 2, ha.Second)
	if got := r.m.Remote().State; got != ha.Wait {
		t.Fatalf("an older state of the same process was believed: %v", got)
	}
	say(3, 1, 3, ha.Second)
	say(2, 9, 9, ha.Wait)
	if got := r.m.Remote().State; got != ha.Second {
		t.Fatalf("an ended process was believed: %v", got)
	}
}

// A takeover counts as up to date once the data are durable, and the peer is
// told once that is durable, too (duty 2 of the caller).
func TestPersistGoesBeforePublish(t *testing.T) {
	r := at(t, "SECOND Ready")
	r.peer("WAIT Transient", func(s *PeerState) {
		s.Handover = &Handover{Epoch: s.Epoch + 9, Current: s.Data.History.Current}
	})
	durable := func(e Effect) bool { p, ok := e.(Persist); return ok && p.Facts.UpToDate }
	told := func(e Effect) bool { p, ok := e.(Publish); return ok && p.State.UpToDate }
	written := func(e Effect) bool { a, ok := e.(Assign); return ok && a.Assignment.Role == api.DataPrimary }
	i, j, k := slices.IndexFunc(r.effects, durable), slices.IndexFunc(r.effects, told), slices.IndexFunc(r.effects, written)
	if k < 0 || k > i || i > j {
		t.Errorf("data at %d, persist at %d, publish at %d", k, i, j)
	}
}

// The log of reference sequences (log-messages.md section 12).
func TestMaxLoopLog(t *testing.T) {
	r := at(t, "ALONE Ready")
	for range 3 {
		r.send(Command{Verb: ha.VerbRestart, Identity: "errd"})
	}
	r.clear()
	r.send(Command{Verb: ha.VerbRestart, Identity: "errd"})
	var got []string
	for _, e := range r.effects {
		switch e := e.(type) {
		case Log:
			got = append(got, e.Text)
		case RunScript:
			if e.Name == "stop_prim" {
				got = append(got, e.Name+map[bool]string{true: " force"}[e.Force])
			}
		}
	}
	want := []string{"Action restart called by errd", "Action stop called by maxloop", "Local state ALONE Transient",
		"Action stop called by heart : local fault", "stop_prim", "Local state WAIT Transient", "stop_prim force",
		"Action stop called by maxloop", "Local state STOP NotReady"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}

// A datagram of a process that has ended may come after the first of the next one.
func TestLateProcessIsRefused(t *testing.T) {
	r := at(t, "ALONE Ready").up()
	say := func(inc, life uint64, role ha.State) {
		r.send(Heard{PeerState{Incarnation: inc, Life: life, Sequence: 1, Version: 1, Signature: "s",
			Role: ha.Role{State: role, Status: ha.Transient}, Data: r.data}})
	}
	say(70, 8, ha.Second)
	say(60, 7, ha.Wait) // never heard before, but older
	if got := r.m.Remote().State; got != ha.Second {
		t.Fatalf("an older process was believed: %v", got)
	}
	r.down().up()
	say(80, 1, ha.Wait) // installed anew after a silence
	if got := r.m.Remote().State; got != ha.Wait {
		t.Fatalf("a node that was installed anew is not heard: %v", got)
	}
}
