package lab

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Story narrates a demonstration: what is being done, and what it took.
type Story struct {
	out   io.Writer
	begun time.Time
	now   func() time.Time
	table [][2]string
}

// NewStory begins one.
func NewStory(out io.Writer, now func() time.Time) *Story {
	return &Story{out: out, begun: now(), now: now}
}

// Say tells one line, with the time since the beginning.
func (s *Story) Say(format string, args ...any) {
	fmt.Fprintf(s.out, "%6.1fs  %s\n", s.now().Sub(s.begun).Seconds(), fmt.Sprintf(format, args...))
}

// Step tells what is done, does it, and notes how long it took in the table.
func (s *Story) Step(title string, do func() error) error {
	s.Say("%s", title)
	from := s.now()
	if err := do(); err != nil {
		return fmt.Errorf("%s: %w", strings.ToLower(title[:1])+title[1:], err)
	}
	s.Note(title, "%.1f s", s.now().Sub(from).Seconds())
	return nil
}

// Note adds a row to the closing table.
func (s *Story) Note(what, format string, args ...any) {
	s.table = append(s.table, [2]string{what, fmt.Sprintf(format, args...)})
}

// Table prints what was noted.
func (s *Story) Table() {
	width := 0
	for _, row := range s.table {
		width = max(width, len(row[0]))
	}
	fmt.Fprintln(s.out)
	for _, row := range s.table {
		fmt.Fprintf(s.out, "  %-*s  %s\n", width, row[0], row[1])
	}
}
