package ha

import (
	"encoding/hex"
	"fmt"
	"slices"
)

// Generation names one stretch of writing by one primary without its peer. It
// is born random, so that two nodes can never make the same one by chance.
// The zero value means "none yet".
type Generation [16]byte

// String gives 32 hexadecimal digits, or "none".
func (g Generation) String() string {
	if g.IsZero() {
		return "none"
	}
	return hex.EncodeToString(g[:])
}

// Short gives the first 8 digits, for log lines.
func (g Generation) Short() string {
	if g.IsZero() {
		return "none"
	}
	return hex.EncodeToString(g[:4])
}

// IsZero tells whether no generation was ever born here.
func (g Generation) IsZero() bool { return g == Generation{} }

// MarshalText writes the generation for JSON and files.
func (g Generation) MarshalText() ([]byte, error) { return []byte(g.String()), nil }

// UnmarshalText is the inverse of MarshalText.
func (g *Generation) UnmarshalText(b []byte) error {
	if string(b) == "none" || len(b) == 0 {
		*g = Generation{}
		return nil
	}
	raw, err := hex.DecodeString(string(b))
	if err != nil || len(raw) != len(g) {
		return fmt.Errorf("generation %q: want 32 hexadecimal digits", b)
	}
	copy(g[:], raw)
	return nil
}

// MaxAncestors bounds the history a node keeps; older ids fall off the end.
const MaxAncestors = 64

// History is what a node knows about the past of its data: the generation the
// data are in and those they grew from, newest first. It decides who copies
// from whom; clocks never do (design section 5).
type History struct {
	Current   Generation   `json:"current"`
	Ancestors []Generation `json:"ancestors,omitempty"`
}

// Relation is how two histories stand to each other.
type Relation uint8

// The relations, seen from the first history given to Compare.
const (
	// NoData: neither side ever had data.
	NoData Relation = iota
	// Same: equal generations; no resynchronisation is owed by the history.
	Same
	// Behind: mine is among the peer's ancestors (or I have none): I copy.
	Behind
	// Ahead: the peer is behind me.
	Ahead
	// Diverged: both wrote apart; rule 3 of the design applies.
	Diverged
)

var relationNames = [...]string{"no data", "same", "behind", "ahead", "diverged"}

// String gives the word for logs.
func (r Relation) String() string { return name(relationNames[:], int(r)) }

// Compare tells how mine stands to peer.
func Compare(mine, peer History) Relation {
	switch {
	case mine.Current.IsZero() && peer.Current.IsZero():
		return NoData
	case mine.Current == peer.Current:
		return Same
	case mine.Current.IsZero(), slices.Contains(peer.Ancestors, mine.Current):
		return Behind
	case peer.Current.IsZero(), slices.Contains(mine.Ancestors, peer.Current):
		return Ahead
	default:
		return Diverged
	}
}

// Next is the history after a new generation began on top of h.
func (h History) Next(g Generation) History {
	next := History{Current: g}
	if !h.Current.IsZero() {
		next.Ancestors = append(next.Ancestors, h.Current)
	}
	next.Ancestors = append(next.Ancestors, h.Ancestors...)
	if len(next.Ancestors) > MaxAncestors {
		next.Ancestors = next.Ancestors[:MaxAncestors]
	}
	return next
}
