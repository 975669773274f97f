package userconfig

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// MacroDef is one <macro> as written, its value not expanded.
type MacroDef struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Line  int    `json:"line"`
}

// Macros lists the macros of a file in document order.
func Macros(src []byte) ([]MacroDef, error) {
	doc, err := readDocument(src)
	if err != nil {
		return nil, fmt.Errorf("list macros: %w", err)
	}
	var all []MacroDef
	for _, n := range macroNodes(doc.top) {
		m := MacroDef{Line: n.line}
		if a := n.lookup("name"); a != nil {
			m.Name = a.value
		}
		if a := n.lookup("value"); a != nil {
			m.Value = a.value
		}
		all = append(all, m)
	}
	return all, nil
}

// SetMacro gives src with another value for one macro. Every other byte stays.
func SetMacro(src []byte, name, value string) ([]byte, error) {
	doc, err := readDocument(src)
	if err != nil {
		return nil, fmt.Errorf("set macro %s: %w", name, err)
	}
	var found []*node
	for _, n := range macroNodes(doc.top) {
		if a := n.lookup("name"); a != nil && a.value == name {
			found = append(found, n)
		}
	}
	if len(found) != 1 {
		return nil, fmt.Errorf("set macro %s: it is defined %d times, want once", name, len(found))
	}
	out, err := doc.setAttr(src, found[0], "value", value)
	if err != nil {
		return nil, fmt.Errorf("set macro %s: %w", name, err)
	}
	return out, nil
}

// SetAttr gives src with another value for one attribute, which is added when
// its element lacks it. Every other byte stays: comments, order, blanks,
// quotes, encoding. Value is the plain text wanted, before macro expansion.
//
// Path leads from below <safe> to exactly one element: names with "/" between,
// each with an optional number or attribute test, as in
// "service/check/tcp[@ident='web']/to" or "service/heart/heartbeat[2]".
func SetAttr(src []byte, path, attr, value string) ([]byte, error) {
	doc, err := readDocument(src)
	if err != nil {
		return nil, fmt.Errorf("set %s@%s: %w", path, attr, err)
	}
	n, err := doc.find(path)
	if err != nil {
		return nil, fmt.Errorf("set %s@%s: %w", path, attr, err)
	}
	out, err := doc.setAttr(src, n, attr, value)
	if err != nil {
		return nil, fmt.Errorf("set %s@%s: %w", path, attr, err)
	}
	return out, nil
}

func macroNodes(nodes []*node) []*node {
	var found []*node
	for _, n := range nodes {
		if n.kind == elementNode && n.name == "macro" {
			found = append(found, n)
		}
		found = append(found, macroNodes(n.children)...)
	}
	return found
}

var (
	pathStep = regexp.MustCompile(`^([A-Za-z_]+)(?:\[(?:([0-9]{1,6})|@([A-Za-z_]+)=(?:'([^']*)'|"([^"]*)"))\])?(?:/|$)`)
	attrWord = regexp.MustCompile(`^[A-Za-z_]+$`)
)

// find follows a path from <safe>.
func (doc *document) find(path string) (*node, error) {
	at := &node{name: "document", children: doc.top}
	at, err := descend(at, []string{"safe", "safe", "", "", "", ""})
	for rest := path; err == nil && rest != ""; {
		m := pathStep.FindStringSubmatch(rest)
		if m == nil {
			return nil, fmt.Errorf("path %q: want names with '/' between, each with an optional [number] or [@attribute='value']", path)
		}
		rest = rest[len(m[0]):]
		at, err = descend(at, m)
	}
	return at, err
}

// descend makes one step; m is a match of pathStep.
func descend(at *node, m []string) (*node, error) {
	found := at.elems(m[1])
	if m[3] != "" {
		var tested []*node
		for _, n := range found {
			if a := n.lookup(m[3]); a != nil && a.value == m[4]+m[5] {
				tested = append(tested, n)
			}
		}
		found = tested
	}
	if m[2] != "" {
		i, _ := strconv.Atoi(m[2])
		if i < 1 || i > len(found) {
			return nil, fmt.Errorf("no <%s> number %d in <%s>", m[1], i, at.name)
		}
		return found[i-1], nil
	}
	if len(found) != 1 {
		return nil, fmt.Errorf("%d elements %s in <%s>, want one", len(found), strings.TrimSuffix(m[0], "/"), at.name)
	}
	return found[0], nil
}

func (doc *document) setAttr(src []byte, n *node, name, value string) ([]byte, error) {
	if !attrWord.MatchString(name) {
		return nil, fmt.Errorf("attribute name %q: want letters and _", name)
	}
	if !bytes.Equal(doc.cs.encode(doc.text), src) {
		return nil, fmt.Errorf("the file cannot be rewritten in its encoding %s: save it as utf-8", doc.cs.name)
	}
	start, end, quote := n.attrEnd, n.attrEnd, byte('"')
	before, after := " "+name+`="`, `"`
	if a := n.lookup(name); a != nil {
		if a.value == value {
			return bytes.Clone(src), nil
		}
		start, end, quote = a.start, a.end, a.quote
		before, after = "", ""
	}
	raw, err := doc.cs.attrText(value, quote)
	if err != nil {
		return nil, err
	}
	out := doc.cs.encode(doc.text[:start] + before + raw + after + doc.text[end:])
	if _, err := readDocument(out); err != nil {
		return nil, fmt.Errorf("the result is no configuration: %w", err)
	}
	return out, nil
}

// attrText escapes a value for use between quotes in the encoding.
func (cs charset) attrText(value string, quote byte) (string, error) {
	if !validText(value) {
		return "", fmt.Errorf("value %q holds what XML forbids", clip(value))
	}
	var b strings.Builder
	for _, r := range value {
		switch {
		case r == '&':
			b.WriteString("&amp;")
		case r == '<':
			b.WriteString("&lt;")
		case r == rune(quote) || r == '\t' || r == '\n' || r == '\r' || !cs.can(r):
			fmt.Fprintf(&b, "&#%d;", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String(), nil
}
