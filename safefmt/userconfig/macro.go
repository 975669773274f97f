package userconfig

import (
	"regexp"
	"slices"
	"strings"
)

// maxExpanded bounds the text all expansions of a file may produce.
const maxExpanded = 4 << 20

var (
	macroRef = regexp.MustCompile(`%[A-Za-z_][A-Za-z0-9_.-]*%`)
	macroID  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)
)

// expander replaces %ID% in document order: a macro is in force for what
// follows its definition, expanded text is not scanned again, and a macro wins
// over the environment (userconfig-xml.md section 4).
type expander struct {
	*report
	getenv  func(string) (string, bool)
	macros  map[string]string
	names   []string
	fromEnv map[string]bool
	budget  int
}

func newExpander(r *report, getenv func(string) (string, bool)) *expander {
	if getenv == nil {
		getenv = func(string) (string, bool) { return "", false }
	}
	return &expander{report: r, getenv: getenv, macros: map[string]string{}, fromEnv: map[string]bool{}, budget: maxExpanded}
}

// walk expands a subtree. Macro elements define macros and are taken out.
func (x *expander) walk(n *node) {
	if n.kind != elementNode {
		if n.kind != commentNode {
			n.text, _ = x.expand(n.text, n.line)
		}
		return
	}
	if n.name == "macro" {
		x.define(n)
		return
	}
	x.attrs(n)
	for _, c := range n.children {
		x.walk(c)
	}
	n.children = slices.DeleteFunc(n.children, func(c *node) bool { return c.kind == elementNode && c.name == "macro" })
}

func (x *expander) attrs(n *node) {
	for i := range n.attrs {
		a := &n.attrs[i]
		value, ok := x.expand(a.value, a.line)
		a.value, a.broken = value, !ok
	}
}

func (x *expander) define(n *node) {
	d := &decoder{report: x.report}
	for i := range n.attrs {
		if a := &n.attrs[i]; a.name == "value" {
			value, ok := x.expand(a.value, a.line)
			a.value = value
			if !ok {
				a.value = "" // complained about once, not at each use
			}
		}
	}
	name, value := d.need(n, "name"), d.needEmpty(n, "value")
	d.finish(n)
	if name == "" {
		return
	}
	if !macroID.MatchString(name) {
		x.errorf("U05", n.line, "invalid value '%s' for the attribute name in <macro>: use letters, digits and _ . -", name)
		return
	}
	if _, again := x.macros[name]; again {
		x.warnf(n.line, "macro '%s' is defined again: the new value applies to what follows", name)
	} else {
		x.names = append(x.names, name)
	}
	x.macros[name] = value
}

// expand gives the value with its references replaced. ok is false when one of
// them is undefined or the text grew too large, which has then been reported.
func (x *expander) expand(s string, line int) (out string, ok bool) {
	refs := macroRef.FindAllStringIndex(s, -1)
	if refs == nil {
		return s, true
	}
	ok = true
	var b strings.Builder
	last := 0
	for _, ref := range refs {
		b.WriteString(s[last:ref[0]])
		last = ref[1]
		value, known := x.lookup(s[ref[0]+1:ref[1]-1], line+strings.Count(s[:ref[0]], "\n"))
		ok = ok && known
		if x.budget -= len(value); x.budget < 0 {
			x.overflow(line)
			return s, false
		}
		b.WriteString(value)
	}
	b.WriteString(s[last:])
	return b.String(), ok
}

func (x *expander) overflow(line int) {
	if x.budget > -2*maxExpanded {
		x.errorf("U07", line, "macros expand to more than %d bytes: shorten their values", maxExpanded)
	}
	x.budget = -4 * maxExpanded
}

func (x *expander) lookup(id string, line int) (string, bool) {
	if v, ok := x.macros[id]; ok {
		return v, true
	}
	v, ok := x.getenv(id)
	if !ok && x.full() {
		return "", false
	}
	if !ok {
		x.errorf("U07", line, "undefined macro or environment variable '%s'%s", id, didYouMean(id, x.names, "'%s'"))
		return "", false
	}
	if !validText(v) {
		x.errorf("U07", line, "the environment variable '%s' holds characters that XML forbids", id)
		return "", false
	}
	if !x.fromEnv[id] {
		x.fromEnv[id] = true
		x.warnf(line, "'%s' is no macro: its value comes from the environment of this node", id)
	}
	return v, true
}
