package userconfig

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"
)

// The bounds on a file.
const (
	// MaxSize is the largest file, in bytes.
	MaxSize  = 1 << 20
	maxDepth = 32
	maxNodes = 20_000
	maxAttrs = 64 // of one element
)

// document is the tree of a file, with the place of everything in its text.
type document struct {
	text  string
	cs    charset
	top   []*node
	lines []int // offsets of the newlines
}

type nodeKind uint8

const (
	elementNode nodeKind = iota
	textNode
	cdataNode
	commentNode
)

// node is an element, or a piece of text with its kind.
type node struct {
	kind     nodeKind
	name     string
	text     string // of texts
	line     int
	attrs    []attr
	children []*node
	// attrEnd is where in the document another attribute can be written.
	attrEnd int
	// asked holds the names the decoder knows; see decoder.finish.
	askedAttrs, askedElems []string
}

// attr is one attribute with the place of its raw value, between the quotes.
type attr struct {
	name, value string
	line        int
	start, end  int
	quote       byte
	// broken: the value was already complained about.
	broken bool
}

// syntaxError is a mistake that makes a tree impossible.
type syntaxError struct {
	line int
	text string
}

func (e *syntaxError) Error() string { return fmt.Sprintf("line %d: %s", e.line, e.text) }

// readDocument parses src; its only error type is *syntaxError.
func readDocument(src []byte) (*document, error) {
	if len(src) > MaxSize {
		return nil, &syntaxError{1, fmt.Sprintf("the file is larger than %d bytes", MaxSize)}
	}
	text, cs, err := decodeText(src)
	if err != nil {
		return nil, &syntaxError{1, err.Error()}
	}
	doc := &document{text: text, cs: cs}
	for i := range len(text) {
		if text[i] == '\n' {
			doc.lines = append(doc.lines, i)
		}
	}
	root := &node{}
	if err := doc.read(root); err != nil {
		return nil, err
	}
	doc.top = root.children
	return doc, nil
}

// line gives the number of the line that holds the offset.
func (doc *document) line(offset int) int { return 1 + sort.SearchInts(doc.lines, offset) }

func (doc *document) read(root *node) error {
	in := xml.NewDecoder(strings.NewReader(doc.text))
	in.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	stack := []*node{root}
	for count := 0; ; count++ {
		start := int(in.InputOffset())
		tok, err := in.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return doc.asSyntax(err, start)
		}
		if count > maxNodes {
			return &syntaxError{doc.line(start), fmt.Sprintf("more than %d tags and texts", maxNodes)}
		}
		raw := doc.text[start:in.InputOffset()]
		here := stack[len(stack)-1]
		switch t := tok.(type) {
		case xml.StartElement:
			if len(stack) > maxDepth {
				return &syntaxError{doc.line(start), fmt.Sprintf("elements are nested deeper than %d", maxDepth)}
			}
			if len(t.Attr) > maxAttrs {
				return &syntaxError{doc.line(start), fmt.Sprintf("an element has more than %d attributes", maxAttrs)}
			}
			n := doc.element(t, start, raw)
			if err := n.duplicateAttr(); err != nil {
				return err
			}
			here.children = append(here.children, n)
			stack = append(stack, n)
		case xml.EndElement:
			stack = stack[:len(stack)-1]
		case xml.CharData:
			here.children = append(here.children, doc.textNode(string(t), start, raw))
		case xml.Comment:
			here.children = append(here.children, &node{kind: commentNode, text: string(t), line: doc.line(start)})
		case xml.Directive:
			if strings.Contains(string(t), "[") {
				return &syntaxError{doc.line(start), "declarations inside <!DOCTYPE> are not accepted: remove them"}
			}
		}
	}
}

func (doc *document) asSyntax(err error, start int) error {
	var se *xml.SyntaxError
	if errors.As(err, &se) {
		return &syntaxError{se.Line, se.Msg}
	}
	return &syntaxError{doc.line(start), strings.TrimPrefix(err.Error(), "xml: ")}
}

func (doc *document) textNode(text string, start int, raw string) *node {
	const open = "<![CDATA["
	n := &node{kind: textNode, text: text, line: doc.line(start)}
	if strings.HasPrefix(raw, open) {
		n.kind = cdataNode
		n.line = doc.line(start + len(open))
	}
	return n
}

// element makes the node of a start tag, whose text encoding/xml has found
// well-formed; only the places of the attributes are looked for here.
func (doc *document) element(t xml.StartElement, start int, raw string) *node {
	pos := 1 + nameLen(raw[1:])
	n := &node{name: raw[1:pos], line: doc.line(start), attrEnd: start + pos}
	for _, a := range t.Attr {
		pos += blankLen(raw[pos:])
		at := pos
		pos += nameLen(raw[pos:])
		name := raw[at:pos]
		pos += strings.IndexAny(raw[pos:], `"'`)
		quote := raw[pos]
		pos++
		end := pos + strings.IndexByte(raw[pos:], quote)
		n.attrs = append(n.attrs, attr{name: name, value: a.Value, line: doc.line(start + at),
			start: start + pos, end: start + end, quote: quote})
		pos = end + 1
		n.attrEnd = start + pos
	}
	return n
}

func nameLen(s string) int {
	i := strings.IndexAny(s, " \t\r\n=/>")
	if i < 0 {
		return len(s)
	}
	return i
}

func blankLen(s string) int { return len(s) - len(strings.TrimLeft(s, " \t\r\n")) }

func (n *node) duplicateAttr() error {
	for i, a := range n.attrs {
		if slices.ContainsFunc(n.attrs[:i], func(b attr) bool { return b.name == a.name }) {
			return &syntaxError{a.line, fmt.Sprintf("duplicate attribute '%s' in <%s>", a.name, n.name)}
		}
	}
	return nil
}

// validText tells whether XML can hold the text.
func validText(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF
	})
}

// blank tells whether a node is nothing but white space or a comment.
func (n *node) blank() bool {
	return n.kind == commentNode || n.kind != elementNode && strings.TrimSpace(n.text) == ""
}
