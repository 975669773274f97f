package errd

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/safehold/safehold/plugins/api"
)

// commSize is how many bytes of a command name the kernel keeps.
const commSize = 15

// Pattern says what to count and how many are right: one <proc>.
type Pattern struct {
	Name       string // of the resource, of the message, and of the process when NameRegex is nil
	Service    bool   // Name is a systemd unit
	NameRegex  *regexp.Regexp
	ArgRegex   *regexp.Regexp // nil: any arguments
	AtLeast    int            // -1: off
	AtMost     int            // -1: off
	Action     string
	StartAfter int
}

// Parse reads the attributes of a check (userconfig-xml.md section 12).
// Absent ones take their defaults.
func Parse(c api.Check) (Pattern, error) {
	a := c.Attrs
	p := Pattern{Name: a["name"], Service: a["service"] == "yes", Action: a["action"]}
	if p.Name == "" {
		return p, fmt.Errorf("name is missing: %w", api.ErrInvalid)
	}
	if s := a["service"]; s != "" && s != "yes" && s != "no" {
		return p, fmt.Errorf("service %q: want yes or no: %w", s, api.ErrInvalid)
	}
	if p.Action == "" {
		p.Action = "stopstart"
	}
	var err error
	if p.NameRegex, err = regex("nameregex", a["nameregex"]); err != nil {
		return p, err
	}
	if p.ArgRegex, err = regex("argregex", a["argregex"]); err != nil {
		return p, err
	}
	for _, n := range []struct {
		name     string
		to       *int
		def, min int
	}{{"atleast", &p.AtLeast, 1, -1}, {"atmax", &p.AtMost, -1, -1}, {"start_after", &p.StartAfter, 0, 0}} {
		if *n.to, err = number(n.name, a[n.name], n.def, n.min); err != nil {
			return p, err
		}
	}
	return p, nil
}

func regex(attr, text string) (*regexp.Regexp, error) {
	if text == "" {
		return nil, nil
	}
	r, err := regexp.CompilePOSIX(text)
	if err != nil {
		return nil, fmt.Errorf("%s %q: %v: %w", attr, text, err, api.ErrInvalid)
	}
	return r, nil
}

func number(attr, text string, def, least int) (int, error) {
	if text == "" {
		return def, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least {
		return 0, fmt.Errorf("%s %q: want a number of at least %d: %w", attr, text, least, api.ErrInvalid)
	}
	return n, nil
}

// matches tells whether a process is one of those counted.
func (p Pattern) matches(q *Process) bool {
	switch {
	case p.NameRegex != nil:
		if !p.NameRegex.MatchString(q.Comm) {
			return false
		}
	case q.Comm != p.Name[:min(len(p.Name), commSize)]:
		return false
	}
	return p.ArgRegex == nil || p.ArgRegex.MatchString(q.CommandLine())
}

// Count gives the number of processes that match.
func (p Pattern) Count(all []Process) int {
	n := 0
	for i := range all {
		if p.matches(&all[i]) {
			n++
		}
	}
	return n
}

// Verdict is what a count means.
type Verdict uint8

// The verdicts.
const (
	Right Verdict = iota
	TooFew
	TooMany
)

// Judge compares a count with the limits.
func (p Pattern) Judge(n int) Verdict {
	switch {
	case p.AtLeast >= 0 && n < p.AtLeast:
		return TooFew
	case p.AtMost >= 0 && n > p.AtMost:
		return TooMany
	default:
		return Right
	}
}

// Message is the log line of a verdict (log-messages.md section 6).
func (p Pattern) Message(v Verdict) string {
	what := "Process"
	if p.Service {
		what = "Service"
	}
	switch v {
	case TooFew:
		return what + " " + p.Name + " not running"
	case TooMany:
		return what + " " + p.Name + " running more than allowed"
	default:
		return ""
	}
}

// Unit is the systemd unit's whole name.
func (p Pattern) Unit() string {
	if strings.Contains(p.Name, ".") {
		return p.Name
	}
	return p.Name + ".service"
}
