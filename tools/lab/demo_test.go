package lab

import (
	"testing"
	"time"
)

// TestDemo is what `make demo` shows.
func TestDemo(t *testing.T) {
	l := newLab(t, "tdemo")
	s := NewStory(t.Output(), time.Now)
	if err := Demo(t.Context(), l, s); err != nil {
		t.Fatal(err)
	}
	s.Table()
}
