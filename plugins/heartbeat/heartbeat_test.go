package heartbeat

import (
	"bytes"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/safehold/safehold/plugins/api"
	"github.com/safehold/safehold/plugins/api/plugintest"
)

const long = 40 * time.Second // a timeout no loaded machine reaches by itself

func TestCutAndHeal(t *testing.T) {
	r := newRelay(t)
	a, b := fresh(t), fresh(t)
	cfgA, cfgB := r.configs(3 * time.Second)
	atB := start(t, b, cfgB, "b1")
	start(t, a, cfgA, "a1")
	expect(t, atB, api.LinkUp, "")
	expect(t, atB, api.PeerPayload, "a1")

	r.set(false, true) // held in a switch's queue: published before the end of the cut
	say(t, a, "a2")
	expect(t, atB, api.LinkDown, "")
	r.set(true, false)
	say(t, a, "a3")
	before := count(b).Unproven
	if r.release() == 0 {
		t.Fatal("nothing was held")
	}
	until(t, "arrival of the delayed pulses", func() bool { return count(b).Unproven > before })
	r.set(false, false)
	seen := expect(t, atB, api.PeerPayload, "a3", api.LinkDown)
	for _, e := range seen {
		if e.Kind == api.PeerPayload && string(e.Payload) != "a3" {
			t.Errorf("words of before the cut: %q", e.Payload)
		}
	}
	// The same words after a cut are told again.
	r.set(true, false)
	expect(t, atB, api.LinkDown, "")
	r.set(false, false)
	expect(t, atB, api.PeerPayload, "a3", api.LinkDown)
}

func TestForeignDatagramsDoNothing(t *testing.T) {
	r := newRelay(t)
	a, b := fresh(t), fresh(t)
	cfgA, cfgB := r.configs(long)
	atB := start(t, b, cfgB, "")
	start(t, a, cfgA, "a1")
	expect(t, atB, api.PeerPayload, "a1")
	genuine := r.recording()
	last := genuine[len(genuine)-1]

	foreign := fresh(t) // the same names, another cluster's key
	cfgF, _ := r.configs(long)
	cfgF.Key = bytes.Repeat([]byte{1}, 32)
	other := newRelay(t)
	cfgF.Links[0].Local, cfgF.Links[0].Peer = other.a, port(other.toA)
	other.set(true, false)
	start(t, foreign, cfgF, "evil")
	until(t, "a foreign datagram", func() bool { return len(other.recording()) > 0 })

	was := count(b)
	stranger := udp(t, "127.0.0.3")
	for range 20 {
		for _, d := range genuine {
			r.throwAtB(d)
		}
		r.throwAtB(other.recording()[0])
		r.throwAtB(last[:len(last)-1])
		r.throwAtB(last[:10])
		r.throwAtB(nil)
		r.throwAtB(bytes.Repeat([]byte("SHB1"), 10000))
		_, _ = stranger.WriteToUDPAddrPort(last, r.b)
	}
	until(t, "all kinds counted", func() bool {
		c := count(b)
		return c.Forged > was.Forged && c.Malformed > was.Malformed && c.Foreign > was.Foreign && c.Replayed > was.Replayed
	})
	say(t, a, "a2")
	for _, e := range expect(t, atB, api.PeerPayload, "a2", api.LinkDown) {
		if e.Kind == api.PeerPayload && string(e.Payload) != "a2" {
			t.Errorf("foreign words: %q", e.Payload)
		}
	}
}

func TestReorderedPulses(t *testing.T) {
	r := newRelay(t)
	a, b := fresh(t), fresh(t)
	cfgA, cfgB := r.configs(long)
	atB := start(t, b, cfgB, "")
	start(t, a, cfgA, "first")
	expect(t, atB, api.PeerPayload, "first")
	r.set(false, true)
	for _, w := range []string{"old", "older", "newest"} {
		say(t, a, w)
	}
	until(t, "three pulses held", func() bool { r.mu.Lock(); defer r.mu.Unlock(); return len(r.held) >= 3 })
	r.set(false, false)
	r.release()
	for _, e := range expect(t, atB, api.PeerPayload, "newest", api.LinkDown) {
		if e.Kind == api.PeerPayload && string(e.Payload) != "newest" {
			t.Errorf("words that were overtaken: %q", e.Payload)
		}
	}
	say(t, a, "last")
	if seen := expect(t, atB, api.PeerPayload, "last", api.LinkDown); len(seen) != 1 {
		t.Errorf("more than the last word: %+v", seen)
	}
}

// A killed plugin that is restarted well inside the timeout is no event but its
// new words; its recorded past cannot return.
func TestKilledAndRestarted(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	r := newRelay(t)
	cfgA, cfgB := r.configs(long)
	b := fresh(t)
	atB := start(t, b, cfgB, "")
	var past [][]byte
	for life, word := range []string{"life one", "life two", "life three"} {
		t.Run(word, func(t *testing.T) { // the executable is killed at the end
			a := plugintest.Start[api.Heartbeat](t, api.KindHeartbeat, self, "plugin", "heartbeat")
			atA := start(t, a, cfgA, word)
			expect(t, atB, api.PeerPayload, word, api.LinkDown)
			say(t, b, "welcome "+word)
			expect(t, atA, api.PeerPayload, "welcome "+word)
		})
		if life == 0 {
			past = r.recording()
		}
	}
	for _, d := range past {
		r.throwAtB(d)
	}
	a := fresh(t)
	start(t, a, cfgA, "life four")
	for _, e := range expect(t, atB, api.PeerPayload, "life four", api.LinkDown) {
		if slices.Contains([]string{"life one", "life two"}, string(e.Payload)) {
			t.Errorf("the past spoke: %q", e.Payload)
		}
	}
}

func TestTwoLinks(t *testing.T) {
	r1, r2 := newRelay(t), newRelay(t)
	a, b := fresh(t), fresh(t)
	cfgA, cfgB := r1.configs(2 * time.Second)
	moreA, moreB := r2.configs(2 * time.Second)
	moreA.Links[0].Ident, moreB.Links[0].Ident = "k", "k"
	cfgA.Links = append(cfgA.Links, moreA.Links...)
	cfgB.Links = append(cfgB.Links, moreB.Links...)
	atB := start(t, b, cfgB, "")
	start(t, a, cfgA, "one")
	expect(t, atB, api.PeerPayload, "one")
	r1.set(true, false)
	seen := expect(t, atB, api.LinkDown, "")
	if e := seen[len(seen)-1]; e.Link != "l" {
		t.Errorf("down: %+v", e)
	}
	say(t, a, "two")
	expect(t, atB, api.PeerPayload, "two")
	r1.set(false, false)
	for _, e := range expect(t, atB, api.LinkUp, "") {
		if e.Kind == api.PeerPayload {
			t.Errorf("nothing new was said, yet %q", e.Payload)
		}
	}
}

func TestSlowWatcherGetsThePresent(t *testing.T) {
	r := newRelay(t)
	a, b := fresh(t), fresh(t)
	cfgA, cfgB := r.configs(long)
	atB := start(t, b, cfgB, "")
	start(t, a, cfgA, "")
	expect(t, atB, api.LinkUp, "")
	for range 3 * maxWaiting {
		say(t, a, "noise")
	}
	say(t, a, "end")
	until(t, "arrival of the last word", func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		p, _ := b.words.Payload()
		return string(p) == "end"
	})
	if seen := expect(t, atB, api.PeerPayload, "end", api.LinkDown); len(seen) > maxWaiting+2 {
		t.Errorf("%d events waited", len(seen))
	}
}
