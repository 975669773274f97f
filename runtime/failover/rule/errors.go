package rule

import (
	"fmt"
	"strings"

	"github.com/agnivade/levenshtein"
)

// Error is a mistake in rule text.
type Error struct {
	Pos  Pos
	Msg  string
	Hint string // what to write instead; may be empty
}

// Error gives place, mistake and suggestion on one line.
func (e *Error) Error() string {
	s := fmt.Sprintf("failover rule at line %d: column %d: %s", e.Pos.Line, e.Pos.Column, e.Msg)
	if e.Hint != "" {
		s += "; " + e.Hint
	}
	return s
}

// Errors holds every mistake found in a text, in reading order, never empty.
type Errors []*Error

// Error gives one line per mistake.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, one := range e {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap lets errors.As find a single mistake.
func (e Errors) Unwrap() []error {
	list := make([]error, len(e))
	for i, one := range e {
		list[i] = one
	}
	return list
}

func mistake(p Pos, hint, format string, args ...any) *Error {
	return &Error{Pos: p, Msg: fmt.Sprintf(format, args...), Hint: hint}
}

// suggest names the known word nearest to a wrong one, or lists them all.
func suggest(wrong string, known []string) string {
	const longest = 32 // a word to compare; foreign text may be much longer
	best, distance := "", 3
	for _, k := range known {
		if len(wrong) > longest {
			break
		}
		if d := levenshtein.ComputeDistance(strings.ToLower(wrong), k); d < distance {
			best, distance = k, d
		}
	}
	if best != "" {
		return fmt.Sprintf("did you mean %q?", best)
	}
	return "known: " + strings.Join(known, ", ")
}

// clip shortens foreign text for a message.
func clip(s string) string {
	const most = 40
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
