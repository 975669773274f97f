package automaton

import (
	"strconv"
	"time"
)

// The wall clock arrives with commands and verdicts. It serves the maxloop
// window only; between two of them it is carried on by the boot clock.

func (m *Machine) setWall(at time.Time) {
	if !at.IsZero() {
		m.wallAt, m.wallNow = at, m.now
	}
}

func (m *Machine) wall() time.Time { return m.wallAt.Add(m.now - m.wallNow) }

func formatUnix(s int64) string { return strconv.FormatInt(s, 10) }

func formatBool(b bool) string { return strconv.FormatBool(b) }
