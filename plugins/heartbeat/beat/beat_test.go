package beat

import (
	"slices"
	"testing"
	"time"
)

const s = time.Second

func TestLiveness(t *testing.T) {
	type step struct {
		at    time.Duration
		heard string // "" = tick only
		want  []Change
	}
	up := func(i string) Change { return Change{i, true} }
	dn := func(i string) Change { return Change{i, false} }
	for _, tc := range []struct {
		name  string
		steps []step
	}{
		{"silence from the start", []step{{29 * s, "", nil}, {30 * s, "", []Change{dn("a")}}, {40 * s, "", []Change{dn("b")}}, {90 * s, "", nil}}},
		{"up at once", []step{{0, "a", []Change{up("a")}}, {1 * s, "a", nil}}},
		{"down after timeout, up again", []step{{1 * s, "a", []Change{up("a")}}, {30 * s, "", nil}, {31 * s, "", []Change{dn("a")}}, {32 * s, "a", []Change{up("a")}}}},
		{"late pulse after standing still", []step{{1 * s, "a", []Change{up("a")}}, {200 * s, "a", []Change{dn("a"), dn("b"), up("a")}}}},
		{"links are independent", []step{{5 * s, "b", []Change{up("b")}}, {30 * s, "b", []Change{dn("a")}}}},
		{"unknown link", []step{{5 * s, "x", nil}}},
	} {
		var l Liveness
		l.Set([]Link{{"a", 30 * s}, {"b", 40 * s}}, 0)
		for _, st := range tc.steps {
			got := l.Tick(st.at)
			if st.heard != "" {
				got = append(got, l.Heard(st.heard, st.at)...)
			}
			if !slices.Equal(got, st.want) {
				t.Errorf("%s: at %v: %v, want %v", tc.name, st.at, got, st.want)
			}
		}
	}
}

func TestNextIsWhenTickSpeaks(t *testing.T) {
	var l Liveness
	if _, ok := l.Next(); ok {
		t.Error("no links, but a deadline")
	}
	l.Set([]Link{{"a", 30 * s}, {"b", 40 * s}}, 0)
	l.Heard("a", 20*s)
	for _, want := range []time.Duration{40 * s, 50 * s} {
		at, ok := l.Next()
		if !ok || at != want {
			t.Fatalf("next %v %v, want %v", at, ok, want)
		}
		if c := l.Tick(at - 1); c != nil {
			t.Errorf("tick before %v: %v", at, c)
		}
		if c := l.Tick(at); len(c) != 1 {
			t.Errorf("tick at %v: %v", at, c)
		}
	}
	if _, ok := l.Next(); ok {
		t.Error("all down, but a deadline")
	}
}

func TestSetKeepsState(t *testing.T) {
	var l Liveness
	l.Set([]Link{{"a", 30 * s}}, 0)
	l.Heard("a", 1*s)
	l.Set([]Link{{"a", 5 * s}, {"c", 5 * s}}, 2*s)
	if got := l.Now(); !slices.Equal(got, []Change{{"a", true}}) {
		t.Errorf("after Set: %v", got)
	}
	if got := l.Tick(6 * s); !slices.Equal(got, []Change{{"a", false}}) {
		t.Errorf("new timeout: %v", got)
	}
	l.Reset("a", 7*s)
	if got := l.Now(); got != nil || l.AnyUp() {
		t.Errorf("after Reset: %v", got)
	}
}

func TestWords(t *testing.T) {
	a, b := ID{1}, ID{2}
	type step struct {
		life    ID
		version uint64
		word    string
		silence bool
		news    bool
	}
	for _, tc := range []struct {
		name  string
		steps []step
		last  string
	}{
		{"each version once", []step{{a, 1, "x", false, true}, {a, 1, "x", false, false}, {a, 2, "y", false, true}}, "y"},
		{"overtaken", []step{{a, 2, "y", false, true}, {a, 1, "x", false, false}}, "y"},
		{"same word after silence is news", []step{{a, 1, "x", false, true}, {a, 1, "x", true, true}}, "x"},
		{"old word after silence is not", []step{{a, 2, "y", false, true}, {a, 1, "x", true, false}, {a, 2, "y", false, true}}, "y"},
		{"restart", []step{{a, 9, "x", false, true}, {b, 1, "z", false, true}, {a, 10, "late", false, false}}, "z"},
		{"restart, nothing said yet", []step{{a, 9, "x", false, true}, {b, 0, "", false, false}}, ""},
		{"nothing said after silence", []step{{a, 0, "", true, false}}, ""},
	} {
		var w Words
		for i, st := range tc.steps {
			if st.silence {
				w.Silence()
			}
			if got := w.Offer(st.life, st.version, []byte(st.word)); got != st.news {
				t.Errorf("%s: step %d: news %v", tc.name, i, got)
			}
		}
		if p, ok := w.Payload(); string(p) != tc.last || ok != (tc.last != "") {
			t.Errorf("%s: payload %q %v", tc.name, p, ok)
		}
	}
}

func TestRetiredLivesAreBounded(t *testing.T) {
	var w Words
	for i := range 3 * maxRetired {
		w.Offer(ID{byte(i), byte(i >> 8), 7}, 1, nil)
	}
	if len(w.retired) > maxRetired {
		t.Errorf("%d lives remembered", len(w.retired))
	}
}
