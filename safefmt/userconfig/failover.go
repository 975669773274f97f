package userconfig

import (
	"slices"
	"strings"
	"time"
)

// Failover holds <failover> with its defaults when the element is absent
// (userconfig-xml.md section 14).
type Failover struct {
	// Extends false: the checker default rules are dropped.
	Extends    bool          `json:"extends"`
	Period     time.Duration `json:"period"`
	HandleTime time.Duration `json:"handle_time"`
	// Sections are the rule texts in document order, blank ones left out.
	Sections []Section `json:"sections,omitempty"`
}

// Section is one CDATA block, or the escaped text between blocks, in one
// language (failover-rules.md section 3).
type Section struct {
	Text string `json:"text"`
	// Line is the line of the file on which Text begins; 0 in a safeconf.xml.
	Line int `json:"line,omitempty"`
}

const (
	defaultPeriod     = 5 * time.Second
	defaultHandleTime = 15 * time.Second
)

func (d *decoder) failover(n *node) Failover {
	f := Failover{
		Extends:    d.yesNo(n, "extends", true),
		Period:     d.dur(n, "period", time.Millisecond, defaultPeriod, 100*time.Millisecond),
		HandleTime: d.dur(n, "handle_time", time.Millisecond, defaultHandleTime, 0),
		Sections:   sections(n.children, !d.safeconf),
	}
	if f.HandleTime%f.Period != 0 {
		d.errorf("U14", n.lineOf("handle_time"), "handle_time (%d) must be a multiple of period (%d)",
			f.HandleTime.Milliseconds(), f.Period.Milliseconds())
	}
	if !f.Extends && !d.safeconf {
		d.warnf(n.lineOf("extends"), "extends='no' drops the default rules of the checkers: avoid it")
	}
	n.children = elementsOf(n)
	d.finish(n)
	return f
}

// sections joins escaped text around comments, keeping the count of lines, and
// lets each CDATA block stand alone.
func sections(children []*node, lines bool) []Section {
	var found []Section
	var text strings.Builder
	line := 0
	flush := func() {
		if strings.TrimSpace(text.String()) != "" {
			found = append(found, Section{text.String(), line})
		}
		text.Reset()
		line = 0
	}
	for _, c := range children {
		switch c.kind {
		case cdataNode:
			flush()
			line = c.line
			text.WriteString(c.text)
			flush()
		case textNode, commentNode:
			if text.Len() == 0 {
				line = c.line
			}
			if c.kind == textNode {
				text.WriteString(c.text)
				continue
			}
			text.WriteString(strings.Repeat("\n", strings.Count(c.text, "\n")))
		case elementNode:
			flush()
		}
	}
	flush()
	if !lines {
		for i := range found {
			found[i].Line = 0
		}
	}
	return found
}

func elementsOf(n *node) []*node {
	return slices.DeleteFunc(slices.Clone(n.children), func(c *node) bool { return c.kind != elementNode })
}
