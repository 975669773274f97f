package seal

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

var (
	key = bytes.Repeat([]byte{7}, KeySize)
	ab  = Direction{Module: "m", From: "a", To: "b", Link: "l"}
)

func sender(t *testing.T, key []byte, d Direction) *Sender {
	t.Helper()
	s, err := NewSender(key, d)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// meet gives a receiver that has accepted the sender's session.
func meet(t *testing.T, s *Sender) *Receiver {
	t.Helper()
	r := NewReceiver(key, ab)
	if _, v := r.Open(s.Seal(Message{Echo: r.Challenge()})); v != Fresh {
		t.Fatalf("first datagram is %v", v)
	}
	return r
}

func TestRoundTrip(t *testing.T) {
	s := sender(t, key, ab)
	r := meet(t, s)
	sent := Message{Challenge: NewNonce(), Echo: NewNonce(), Life: NewNonce(), Version: 5, WantsEcho: true, Payload: []byte("words")}
	raw := s.Seal(sent)
	if len(raw) != Overhead+5 {
		t.Errorf("%d bytes, overhead said %d", len(raw), Overhead)
	}
	got, v := r.Open(raw)
	if v != Fresh || got.Challenge != sent.Challenge || got.Echo != sent.Echo || got.Life != sent.Life ||
		got.Version != 5 || !got.WantsEcho || string(got.Payload) != "words" {
		t.Errorf("%v %+v", v, got)
	}
	if bytes.Contains(raw, []byte("words")) {
		t.Error("the payload is readable")
	}
}

func TestForeignDatagrams(t *testing.T) {
	s := sender(t, key, ab)
	r := meet(t, s)
	good := s.Seal(Message{Echo: r.Challenge(), Payload: []byte("x")})
	with := func(change func(*Direction)) []byte {
		d := ab
		change(&d)
		return sender(t, key, d).Seal(Message{Echo: r.Challenge()})
	}
	other := bytes.Repeat([]byte{8}, KeySize)
	for name, raw := range map[string][]byte{
		"other key":       sender(t, other, ab).Seal(Message{Echo: r.Challenge()}),
		"other module":    with(func(d *Direction) { d.Module = "n" }),
		"other link":      with(func(d *Direction) { d.Link = "k" }),
		"reflected":       with(func(d *Direction) { d.From, d.To = d.To, d.From }),
		"names run over":  with(func(d *Direction) { d.Module, d.From = "ma", "" }),
		"truncated":       good[:len(good)-1],
		"only a header":   good[:headerSize],
		"nothing":         nil,
		"other protocol":  append([]byte("XXXX"), good[4:]...),
		"longer":          append(bytes.Clone(good), 0),
		"changed session": flip(good, 5),
		"changed counter": flip(good, headerSize-1),
		"changed body":    flip(good, headerSize+3),
		"changed tag":     flip(good, len(good)-1),
	} {
		if _, v := r.Open(raw); v != Malformed && v != Forged {
			t.Errorf("%s: %v", name, v)
		}
	}
	if _, v := r.Open(good); v != Fresh {
		t.Errorf("the genuine one after all that: %v", v)
	}
}

func flip(b []byte, i int) []byte {
	out := bytes.Clone(b)
	out[i] ^= 1
	return out
}

func TestReplayAndReorder(t *testing.T) {
	s := sender(t, key, ab)
	r := meet(t, s)
	first, second := s.Seal(Message{}), s.Seal(Message{})
	for i, step := range []struct {
		raw  []byte
		want Verdict
	}{{second, Fresh}, {first, Fresh}, {first, Replayed}, {second, Replayed}} {
		if _, v := r.Open(step.raw); v != step.want {
			t.Errorf("step %d: %v, want %v", i, v, step.want)
		}
	}
	old := s.Seal(Message{})
	for range windowSize + 1 {
		r.Open(s.Seal(Message{}))
	}
	if _, v := r.Open(old); v != Replayed {
		t.Errorf("one of long ago: %v", v)
	}
}

func TestRecordedSessionCannotReturn(t *testing.T) {
	a1 := sender(t, key, ab)
	r := NewReceiver(key, ab)
	greeting := a1.Seal(Message{Echo: r.Challenge()})
	if _, v := r.Open(greeting); v != Fresh {
		t.Fatal(v)
	}
	later := a1.Seal(Message{Echo: r.Challenge()}) // recorded, never delivered
	a2 := sender(t, key, ab)                       // A restarted
	if m, v := r.Open(a2.Seal(Message{WantsEcho: true})); v != Unproven || !m.WantsEcho {
		t.Errorf("new session without echo: %v", v)
	}
	if _, v := r.Open(a2.Seal(Message{Echo: r.Challenge()})); v != Fresh {
		t.Errorf("new session with echo: %v", v)
	}
	for name, raw := range map[string][]byte{"greeting": greeting, "later": later} {
		if _, v := r.Open(raw); v == Fresh {
			t.Errorf("recorded %s was accepted", name)
		}
	}
	if _, v := r.Open(a2.Seal(Message{})); v != Fresh {
		t.Errorf("the present session suffered: %v", v)
	}
}

func TestForgetRefusesTheDelayed(t *testing.T) {
	s := sender(t, key, ab)
	r := meet(t, s)
	delayed := s.Seal(Message{Echo: r.Challenge()})
	r.Forget()
	if _, v := r.Open(delayed); v != Unproven || r.Proven() {
		t.Errorf("delayed since before the silence: %v", v)
	}
	if _, v := r.Open(s.Seal(Message{Echo: r.Challenge()})); v != Fresh {
		t.Errorf("same session, new proof: %v", v)
	}
	if _, v := r.Open(delayed); v != Replayed {
		t.Errorf("delayed, after the new proof: %v", v)
	}
}

func TestWindowAgainstASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := startWindow(100)
		seen, top := map[uint64]bool{}, uint64(100)
		for range rapid.IntRange(1, 200).Draw(t, "n") {
			c := uint64(int64(top) + rapid.Int64Range(-80, 80).Draw(t, "step"))
			fresh := c > 100 && !seen[c] && c+windowSize > top
			if w.accept(c) != fresh {
				t.Fatalf("counter %d, top %d: want %v", c, top, fresh)
			}
			seen[c], top = true, max(top, c)
		}
	})
}

func FuzzOpen(f *testing.F) {
	s, _ := NewSender(key, ab)
	f.Add(s.Seal(Message{Payload: []byte("x")}))
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if _, v := NewReceiver(key, ab).Open(raw); v == Fresh {
			t.Fatal("a stranger's datagram was accepted")
		}
	})
}
