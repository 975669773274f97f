package userconfig

import (
	"fmt"
	"math"
	"math/bits"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var (
	timeSyntax = regexp.MustCompile(`^([0-9]{1,18})(d|h|m|s|ms|us)?$`)
	timeUnits  = map[string]time.Duration{"d": 24 * time.Hour, "h": time.Hour, "m": time.Minute,
		"s": time.Second, "ms": time.Millisecond, "us": time.Microsecond}
)

// unitName gives the suffix of an implicit unit.
func unitName(unit time.Duration) string {
	switch unit {
	case time.Hour:
		return "h"
	case time.Minute:
		return "m"
	case time.Second:
		return "s"
	default:
		return "ms"
	}
}

// timeProblem tells what parseTime found.
type timeProblem uint8

const (
	timeGood timeProblem = iota
	timeInexact
	timeBadSyntax
	timeWrongUnit
	timeTooLarge
)

// parseTime reads a time value in whole implicit units, truncating
// (userconfig-xml.md section 3).
func parseTime(s string, unit time.Duration) (time.Duration, timeProblem) {
	m := timeSyntax.FindStringSubmatch(strings.TrimSpace(s))
	if m == nil {
		return 0, timeBadSyntax
	}
	n, err := strconv.ParseUint(m[1], 10, 64)
	if err != nil {
		return 0, timeBadSyntax
	}
	written := unit
	if m[2] != "" {
		written = timeUnits[m[2]]
	}
	hi, total := bits.Mul64(n, uint64(written))
	if hi != 0 || total > math.MaxInt64 {
		return 0, timeTooLarge
	}
	units := total / uint64(unit)
	switch {
	case units > math.MaxInt32:
		return 0, timeTooLarge
	case units == 0 && written != unit:
		return 0, timeWrongUnit
	case units*uint64(unit) != total:
		return time.Duration(units) * unit, timeInexact
	default:
		return time.Duration(units) * unit, timeGood
	}
}

// formatTime prints a time value with its implicit unit: "30s".
func formatTime(d, unit time.Duration) string {
	return fmt.Sprintf("%d%s", d/unit, unitName(unit))
}
