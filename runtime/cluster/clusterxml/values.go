package clusterxml

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/agnivade/levenshtein"

	"github.com/safehold/safehold/runtime/ha"
)

// Upper ends that keep pulse × count far from overflow and from nonsense.
const (
	maxPort  = 65535
	maxCount = 100_000
	maxPulse = time.Hour
)

var (
	identifierForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$`)
	hostLabelForm  = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$`)
	durationForm   = regexp.MustCompile(`^([0-9]{1,18})(d|h|m|s|ms|us)?$`)
)

// required gives the trimmed value of an attribute that must be there (C04).
func (p *parser) required(e *element, name string) (string, bool) {
	raw, _ := e.get(name)
	v := strings.TrimSpace(raw)
	if v == "" {
		p.errorf(e.line, "missing attribute '%s' in <%s>", name, e.name)
		return "", false
	}
	return v, !p.macro(e, name, v)
}

// macro refuses a value with a per cent sign: macros mean nothing here.
func (p *parser) macro(e *element, name, v string) bool {
	if !strings.Contains(v, "%") {
		return false
	}
	p.errorf(e.line, "invalid value '%s' for the attribute %s (macros have no meaning in cluster.xml)", clip(v), name)
	return true
}

// identifier reads the attribute name (cluster-xml.md section 3, identifiers).
func (p *parser) identifier(e *element) string {
	v, ok := p.required(e, "name")
	if ok && !identifierForm.MatchString(v) {
		p.errorf(e.line, "invalid value '%s' for the attribute name (1 to 63 characters of A-Z a-z 0-9 _ . -, a letter or digit first)", clip(v))
		return ""
	}
	return v
}

func (p *parser) integer(e *element, name string, def, most int) int {
	raw, ok := e.get(name)
	if !ok {
		return def
	}
	n, err := strconv.Atoi(strings.TrimSpace(raw))
	if err != nil || n < 1 || n > most {
		p.errorf(e.line, "invalid value '%s' for the attribute %s", clip(raw), name)
		return def
	}
	return n
}

// pulse reads a duration in milliseconds; units as in userconfig-xml.md section 3.
func (p *parser) pulse(e *element) time.Duration {
	raw, ok := e.get("pulse")
	if !ok {
		return DefaultPulse
	}
	d, hint := milliseconds(strings.TrimSpace(raw))
	if d == 0 {
		p.errorf(e.line, "invalid value '%s' for the attribute pulse%s", clip(raw), hint)
		return DefaultPulse
	}
	return d
}

// milliseconds converts to whole milliseconds, truncating. It gives 0 for a
// bad value, with a hint to add to the message.
func milliseconds(s string) (d time.Duration, hint string) {
	units := map[string]time.Duration{"": time.Millisecond, "us": time.Microsecond, "ms": time.Millisecond,
		"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour}
	m := durationForm.FindStringSubmatch(s)
	if m == nil {
		return 0, ""
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil || n > int64(maxPulse/units[m[2]]) {
		return 0, ""
	}
	d = (time.Duration(n) * units[m[2]]).Truncate(time.Millisecond)
	if d == 0 && m[2] != "" && m[2] != "ms" {
		hint = " (expected time unit: 'ms')"
	}
	return d, hint
}

func (p *parser) onOff(e *element, name string) bool {
	raw, ok := e.get(name)
	if ok && raw != "on" && raw != "off" {
		p.errorf(e.line, "invalid value '%s' for the attribute %s", clip(raw), name)
	}
	return raw == "on"
}

// address reads addr or laddr (C11). It returns the literal in its canonical
// form without brackets, or the host name as written; "" after a mistake.
func (p *parser) address(e *element, attr, raw string, node ha.NodeName, lan string) string {
	v := strings.TrimSpace(raw)
	if v == "" {
		p.errorf(e.line, "missing attribute '%s' in <%s>", attr, e.name)
		return ""
	}
	if p.macro(e, attr, v) {
		return ""
	}
	addr, why := readAddress(v, attr == "laddr")
	if why != "" {
		p.errorf(e.line, "invalid address '%s' for %s on lan %s (%s)", clip(v), node, lan, why)
	}
	return addr
}

// readAddress gives the address, or the reason it is none.
func readAddress(v string, literalOnly bool) (addr, why string) {
	inner, closed := strings.CutSuffix(strings.TrimPrefix(v, "["), "]")
	bracketed := strings.HasPrefix(v, "[")
	ip, err := netip.ParseAddr(inner)
	switch {
	case bracketed != closed:
		return "", "unbalanced brackets"
	case bracketed && (err != nil || !ip.Is6() || ip.Is4In6()):
		return "", "only an IPv6 address is written in brackets"
	case err == nil && !bracketed && ip.Is6():
		return "", fmt.Sprintf("IPv6 must be written [%s]", clip(inner))
	case err == nil && (ip.IsUnspecified() || ip.IsMulticast()):
		return "", "not the address of one server"
	case err == nil && ip.Zone() != "":
		return "", "no zone is allowed"
	case err == nil:
		return ip.String(), ""
	case literalOnly:
		return "", "laddr takes no host name"
	case !isHostName(v):
		return "", "neither an address nor a host name"
	}
	return v, ""
}

// isHostName accepts DNS names, and refuses numbers and dots that were meant
// to be an IPv4 address.
func isHostName(s string) bool {
	if len(s) > 253 || strings.Trim(s, "0123456789.") == "" {
		return false
	}
	for label := range strings.SplitSeq(strings.TrimSuffix(s, "."), ".") {
		if !hostLabelForm.MatchString(label) {
			return false
		}
	}
	return true
}

// suggestion completes the message on an unknown name with the nearest known one.
func suggestion(name string, known []string) string {
	best, dist := "", 3
	for _, k := range known {
		if d := levenshtein.ComputeDistance(clip(name), k); d < dist && d < len(k) {
			best, dist = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean '%s'?)", best)
}
