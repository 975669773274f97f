package userconfig

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/safehold/safehold/runtime/ha"
)

// decoder turns elements into typed values. Its getters remember which names
// were asked for, so that finish can report the unknown ones: the code that
// reads an element is the only list of what the element may hold.
type decoder struct {
	*report
	env  Env
	mode ha.Mode
	// safeconf: the file was written by WriteSafeconf and passed all checks.
	safeconf bool
	// vips holds the line of each virtual address read so far, by its canonical form.
	vips map[string]int
	// noCluster: the missing cluster was already reported.
	noCluster bool
}

// lookup finds an attribute and marks its name as known. A broken one is as
// good as absent.
func (n *node) lookup(name string) *attr {
	n.askedAttrs = append(n.askedAttrs, name)
	for i := range n.attrs {
		if n.attrs[i].name == name {
			return &n.attrs[i]
		}
	}
	return nil
}

// has tells whether the attribute is written.
func (n *node) has(name string) bool { return n.lookup(name) != nil }

// lineOf gives the line of an attribute, or of the element without it.
func (n *node) lineOf(name string) int {
	if a := n.lookup(name); a != nil {
		return a.line
	}
	return n.line
}

// elems gives the child elements of a name and marks the name as known.
func (n *node) elems(name string) []*node {
	n.askedElems = append(n.askedElems, name)
	var found []*node
	for _, c := range n.children {
		if c.kind == elementNode && c.name == name {
			found = append(found, c)
		}
	}
	return found
}

// only gives the child element of a name, nil without one; a second is reported.
func (d *decoder) only(n *node, name string) *node {
	found := n.elems(name)
	if len(found) == 0 {
		return nil
	}
	for _, again := range found[1:] {
		d.errorf("U10", again.line, "duplicate <%s> in <%s>: only one is allowed", name, n.name)
	}
	return found[0]
}

// some gives the child elements of a name and reports when there is none.
func (d *decoder) some(n *node, name string) []*node {
	found := n.elems(name)
	if len(found) == 0 {
		d.errorf("U03", n.line, "missing <%s> in <%s>", name, n.name)
	}
	return found
}

// str gives an optional attribute, which must not be empty when written.
func (d *decoder) str(n *node, name, def string) string {
	a := n.lookup(name)
	if a == nil || a.broken {
		return def
	}
	if strings.TrimSpace(a.value) == "" {
		d.errorf("U04", a.line, "empty value for the attribute %s in <%s>", name, n.name)
		a.broken = true
		return def
	}
	return a.value
}

// need gives a required attribute, or "" after reporting.
func (d *decoder) need(n *node, name string) string {
	if !n.has(name) {
		d.errorf("U03", n.line, "missing attribute '%s' in <%s>", name, n.name)
		return ""
	}
	return d.str(n, name, "")
}

// needEmpty gives a required attribute that may be empty.
func (d *decoder) needEmpty(n *node, name string) string {
	a := n.lookup(name)
	if a == nil {
		d.errorf("U03", n.line, "missing attribute '%s' in <%s>", name, n.name)
		return ""
	}
	return a.value
}

// invalid reports a value that is not allowed. Hint is "" or text in parentheses.
func (d *decoder) invalid(n *node, name, hint string) {
	a := n.lookup(name)
	if a == nil || a.broken {
		return
	}
	a.broken = true
	d.errorf("U05", a.line, "invalid value '%s' for the attribute %s%s", clip(a.value), name, hint)
}

// enum gives one of the values, the first being the default.
func (d *decoder) enum(n *node, name string, values ...string) string {
	return d.enumDefault(n, name, values[0], values...)
}

func (d *decoder) enumDefault(n *node, name, def string, values ...string) string {
	v := d.str(n, name, def)
	if v == def || slices.Contains(values, v) {
		return v
	}
	d.invalid(n, name, d.expected(v, values))
	return def
}

// needEnum is enum for a required attribute; "" after reporting.
func (d *decoder) needEnum(n *node, name string, values ...string) string {
	v := d.need(n, name)
	if v != "" && !slices.Contains(values, v) {
		d.invalid(n, name, d.expected(v, values))
		return ""
	}
	return v
}

func (d *decoder) expected(v string, values []string) string {
	if hint := didYouMean(v, values, "'%s'"); hint != "" {
		return hint
	}
	last := len(values) - 1
	if last == 0 {
		return " (expected " + values[0] + ")"
	}
	return " (expected " + strings.Join(values[:last], ", ") + " or " + values[last] + ")"
}

func (d *decoder) boolean(n *node, name string, def bool) bool {
	return d.enumDefault(n, name, onOff(def), "on", "off") == "on"
}

func onOff(b bool) string {
	if b {
		return "on"
	}
	return "off"
}

func (d *decoder) yesNo(n *node, name string, def bool) bool {
	return d.enumDefault(n, name, yesNo(def), "yes", "no") == "yes"
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// integer gives a decimal number in low..high; a sign only where low is negative.
func (d *decoder) integer(n *node, name string, def, low, high int64) int64 {
	raw := strings.TrimSpace(d.str(n, name, ""))
	if raw == "" {
		return def
	}
	digits := raw
	if low < 0 {
		digits = strings.TrimPrefix(raw, "-")
	}
	v, err := strconv.ParseInt(raw, 10, 64)
	if err != nil || strings.Trim(digits, "0123456789") != "" || v < low || v > high {
		d.invalid(n, name, expectedRange(low, high))
		return def
	}
	return v
}

func expectedRange(low, high int64) string {
	if high == math.MaxInt32 || high == math.MaxInt64 {
		return " (expected a number, at least " + strconv.FormatInt(low, 10) + ")"
	}
	return " (expected a number in " + strconv.FormatInt(low, 10) + ".." + strconv.FormatInt(high, 10) + ")"
}

// count is integer without upper bound but that of 31 bits.
func (d *decoder) count(n *node, name string, def, low int) int {
	return int(d.integer(n, name, int64(def), int64(low), math.MaxInt32))
}

// port gives a port number; 0 is only ever the default.
func (d *decoder) port(n *node, name string, def int) int {
	return int(d.integer(n, name, int64(def), 1, 65535))
}

// dur gives a time value of an implicit unit, at least low.
func (d *decoder) dur(n *node, name string, unit, def, low time.Duration) time.Duration {
	raw := d.str(n, name, "")
	if raw == "" {
		return def
	}
	v, problem := parseTime(raw, unit)
	switch {
	case problem == timeBadSyntax:
		d.invalid(n, name, " (expected a time such as '"+formatTime(def, unit)+"')")
		return def
	case problem == timeTooLarge:
		d.invalid(n, name, " (too large)")
		return def
	case problem == timeWrongUnit:
		a := n.lookup(name)
		a.broken = true
		d.errorf("U06", a.line, "invalid value '%s' for the attribute %s (expected time unit: '%s')", a.value, name, unitName(unit))
		return def
	case v < low:
		d.invalid(n, name, " (expected at least '"+formatTime(low, unit)+"')")
		return def
	case problem == timeInexact:
		d.warnf(n.lineOf(name), "value '%s' for the attribute %s is kept as '%s'", raw, name, formatTime(v, unit))
	}
	return v
}

// windowsOnly accepts attributes that mean nothing here.
func (d *decoder) windowsOnly(n *node, names ...string) {
	for _, name := range names {
		if n.has(name) {
			d.warnf(n.lineOf(name), "attribute '%s' in <%s> is for Windows only: ignored", name, n.name)
		}
	}
}

// allowed reports an element that the module's mode has no use for.
func (d *decoder) allowed(n *node, modes ...ha.Mode) bool {
	if d.mode == 0 || slices.Contains(modes, d.mode) {
		return true
	}
	d.errorf("U08", n.line, "<%s> is not allowed in a %s module", n.name, d.mode)
	return false
}

// finish reports what no getter asked for: unknown attributes and elements,
// and text where none belongs.
func (d *decoder) finish(n *node) {
	for _, a := range n.attrs {
		if !d.full() && !slices.Contains(n.askedAttrs, a.name) {
			d.errorf("U02", a.line, "unknown attribute '%s' in <%s>%s", clip(a.name), n.name,
				didYouMean(a.name, n.askedAttrs, "'%s'"))
		}
	}
	for _, c := range n.children {
		switch {
		case d.full(), c.blank():
		case c.kind != elementNode:
			d.errorf("U02", c.line+leadingLines(c.text), "unexpected text in <%s>", n.name)
		case !slices.Contains(n.askedElems, c.name):
			d.errorf("U02", c.line, "unknown element <%s> in <%s>%s", clip(c.name), n.name,
				didYouMean(c.name, n.askedElems, "<%s>"))
		}
	}
}

// leadingLines counts the line ends before the first visible character.
func leadingLines(s string) int {
	visible := strings.TrimLeft(s, " \t\r\n")
	return strings.Count(s[:len(s)-len(visible)], "\n")
}

// clip keeps foreign text in messages short.
func clip(s string) string {
	const most = 200
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
