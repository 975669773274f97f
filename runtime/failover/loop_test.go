package failover

import (
	"encoding/json"
	"testing"
	"time"
)

func TestLoopSurvivesClockJumps(t *testing.T) {
	lim := Limit{Max: 3, Interval: time.Hour}
	now := time.Unix(1_000_000_000, 0)
	l, _ := Loop{}.Count(now, lim)
	back := now.Add(-48 * time.Hour)
	for range 2 {
		var ok bool
		if l, ok = l.Count(back, lim); !ok {
			t.Fatalf("refused: %+v", l)
		}
	}
	if _, ok := l.Count(back.Add(time.Minute), lim); ok || l.N != 3 {
		t.Errorf("a clock that went back opened a new window: %+v", l)
	}
	if !l.Check(back.Add(-time.Minute), lim) {
		t.Error("Check does not see the limit before the last count")
	}
	if l, ok := l.Count(back.Add(2*time.Hour), lim); !ok || l.N != 1 {
		t.Errorf("the window never ends after a jump: %+v", l)
	}
}

func TestLoopLimits(t *testing.T) {
	now := time.Unix(1_000_000_000, 0)
	if l, ok := (Loop{}).Count(now, Limit{Max: 0, Interval: time.Hour}); ok || !l.Stopped || l.N != 0 || !l.Check(now, Limit{Max: 0, Interval: time.Hour}) {
		t.Errorf("maxloop 0: %+v, %v", l, ok)
	}
	lim := Limit{Max: 3, Interval: time.Hour}
	l := Loop{}
	for i, want := range []bool{true, true, true, false} { // acceptance.md S-17
		var ok bool
		if l, ok = l.Count(now, lim); ok != want {
			t.Errorf("incloop %d: %v", i, ok)
		}
		if l.Check(now, lim) != (i >= 2) {
			t.Errorf("checkloop after %d: %v", i, !(i >= 2))
		}
	}
	if l.Check(now.Add(2*time.Hour), lim) {
		t.Error("checkloop outside the window")
	}
	if l = l.Reset(now); l.Check(now, lim) || l.Init != now.Unix() {
		t.Errorf("resetloop: %+v", l)
	}
}

func TestLoopJSON(t *testing.T) {
	l, _ := Loop{}.Count(time.Unix(7, 0), Limit{Max: 3})
	raw, err := json.Marshal(l)
	if err != nil || string(raw) != `{"n":1,"init":7,"last":7,"stopped":false}` {
		t.Errorf("%s, %v", raw, err)
	}
}
