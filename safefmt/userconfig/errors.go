package userconfig

import (
	"fmt"
	"slices"
	"strings"
)

// maxErrors bounds the report on a hopeless file.
const maxErrors = 100

// Error is one mistake in a file.
type Error struct {
	File string
	// Line counts from 1; 0 when the mistake has no place (dynamic changes).
	Line int
	// Code is the row of the error table, "U01" to "U19" (userconfig-xml.md section 18).
	Code string
	Text string
}

// Error gives "file:line: text".
func (e Error) Error() string { return place(e.File, e.Line) + e.Text }

// Errors are all mistakes of one file, by line. It is the error type of Parse.
type Errors []Error

// Error gives one mistake a line.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, one := range e {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// Warning is something accepted that an administrator should know.
type Warning struct {
	File string
	Line int
	Text string
}

// String gives "file:line: text".
func (w Warning) String() string { return place(w.File, w.Line) + w.Text }

func place(file string, line int) string {
	switch {
	case file == "" && line == 0:
		return ""
	case line == 0:
		return file + ": "
	default:
		return fmt.Sprintf("%s:%d: ", file, line)
	}
}

// report collects mistakes and warnings while a file is read.
type report struct {
	file     string
	errs     Errors
	warnings []Warning
}

func (r *report) errorf(code string, line int, format string, args ...any) {
	if r.full() {
		return
	}
	if len(r.errs) == maxErrors {
		code, format, args = "U01", "too many errors: correct the first %d", []any{maxErrors}
	}
	r.errs = append(r.errs, Error{r.file, line, code, fmt.Sprintf(format, args...)})
}

// full tells that nothing more will be reported, so that costly texts need not
// be made.
func (r *report) full() bool { return len(r.errs) > maxErrors }

func (r *report) warnf(line int, format string, args ...any) {
	if len(r.warnings) < maxErrors {
		r.warnings = append(r.warnings, Warning{r.file, line, fmt.Sprintf(format, args...)})
	}
}

// result sorts by line and gives nil when nothing was wrong.
func (r *report) result() ([]Warning, error) {
	slices.SortStableFunc(r.warnings, func(a, b Warning) int { return a.Line - b.Line })
	if len(r.errs) == 0 {
		return r.warnings, nil
	}
	slices.SortStableFunc(r.errs, func(a, b Error) int { return a.Line - b.Line })
	return r.warnings, r.errs
}
