package clusterxml

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Mistake is one reason to refuse a cluster.xml.
type Mistake struct {
	File string // as given to Parse
	Line int    // from 1; 0 when no line is to blame
	Msg  string // a text of cluster-xml.md section 5
}

// Error gives "file:line: text".
func (m Mistake) Error() string { return located(m.File, m.Line, m.Msg) }

// Mistakes is the error of a refused configuration: everything that is wrong
// with it, ordered by line.
type Mistakes []Mistake

// Error gives one mistake per line.
func (ms Mistakes) Error() string {
	lines := make([]string, len(ms))
	for i, m := range ms {
		lines[i] = m.Error()
	}
	return strings.Join(lines, "\n")
}

// Warning is a remark on a configuration that is accepted.
type Warning struct {
	File string
	Line int
	Msg  string
}

// String gives "file:line: text".
func (w Warning) String() string { return located(w.File, w.Line, w.Msg) }

func located(file string, line int, msg string) string {
	if line == 0 {
		return fmt.Sprintf("%s: %s", file, msg)
	}
	return fmt.Sprintf("%s:%d: %s", file, line, msg)
}

// report gathers what Parse and Resolve find.
type report struct {
	file     string
	mistakes Mistakes
	warnings []Warning
}

func (r *report) errorf(line int, format string, args ...any) {
	r.mistakes = append(r.mistakes, Mistake{r.file, line, fmt.Sprintf(format, args...)})
}

func (r *report) warnf(line int, format string, args ...any) {
	r.warnings = append(r.warnings, Warning{r.file, line, fmt.Sprintf(format, args...)})
}

// err returns the mistakes ordered by line, or nil.
func (r *report) err() error {
	if len(r.mistakes) == 0 {
		return nil
	}
	slices.SortStableFunc(r.mistakes, func(a, b Mistake) int { return cmp.Compare(a.Line, b.Line) })
	return r.mistakes
}
