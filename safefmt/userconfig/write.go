package userconfig

import (
	"bytes"
	"encoding/xml"
	"strings"
)

// WriteSafeconf prints the complete configuration as safeconf.xml: the
// elements and attributes of userconfig.xml with macros expanded, defaults
// written out and generated checkers included, without <macro>. Equal Configs
// give equal bytes, and ParseSafeconf gives the Config back, the lines of rule
// sections apart.
//
// Two attributes exist in this file only: generated="vip" on checkers that
// <vip> asked for, implied="action" on checkers whose action is the default.
func WriteSafeconf(c *Config) []byte {
	var b bytes.Buffer
	b.WriteString("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE safe>\n<safe>\n")
	writeElement(&b, tree(c), 1)
	b.WriteString("</safe>\n")
	return b.Bytes()
}

func writeElement(b *bytes.Buffer, e *element, depth int) {
	indent := strings.Repeat("  ", depth)
	b.WriteString(indent + "<" + e.name)
	for _, a := range e.attrs {
		b.WriteString(" " + a[0] + `="`)
		escape(b, a[1])
		b.WriteString(`"`)
	}
	if len(e.children) == 0 {
		b.WriteString("/>\n")
		return
	}
	b.WriteString(">\n")
	for _, c := range e.children {
		if c.name == "" {
			writeSection(b, c.text)
			continue
		}
		writeElement(b, c, depth+1)
	}
	b.WriteString(indent + "</" + e.name + ">\n")
}

// writeSection keeps a rule text in one piece. What CDATA cannot hold is
// escaped, with an empty CDATA block on both sides to keep it apart.
func writeSection(b *bytes.Buffer, text string) {
	if !strings.Contains(text, "]]>") && !strings.Contains(text, "\r") {
		b.WriteString("<![CDATA[" + text + "]]>\n")
		return
	}
	b.WriteString("<![CDATA[]]>")
	escape(b, text)
	b.WriteString("<![CDATA[]]>\n")
}

// escape writes text; a bytes.Buffer never fails.
func escape(b *bytes.Buffer, text string) { _ = xml.EscapeText(b, []byte(text)) }
