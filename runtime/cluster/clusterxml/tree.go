package clusterxml

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Limits on foreign input: generous for people, small for memory.
const (
	MaxSize     = 1 << 20 // bytes of a cluster.xml
	maxElements = 4096
	maxDepth    = 16
)

// element is a node of the XML tree with the line of its start tag.
type element struct {
	name     string
	line     int
	attrs    []attr
	children []*element
}

type attr struct{ name, value string }

// get gives the value of an attribute, and whether it is there.
func (e *element) get(name string) (string, bool) {
	for _, a := range e.attrs {
		if a.name == name {
			return a.value, true
		}
	}
	return "", false
}

// readTree parses src into a tree with exactly one root. Its error is the
// parser's, with the line it happened on.
func readTree(src []byte) (root *element, line int, err error) {
	if len(src) > MaxSize {
		return nil, 0, fmt.Errorf("larger than %d bytes", MaxSize)
	}
	dec := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(src, []byte("\xef\xbb\xbf"))))
	var stack []*element
	count := 0
	for {
		line, _ = dec.InputPos()
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, errorLine(err, line), parserMessage(err)
		}
		end, _ := dec.InputPos()
		switch t := tok.(type) {
		case xml.StartElement:
			e := newElement(t, startLine(src, dec.InputOffset(), end))
			if count++; count > maxElements || len(stack) >= maxDepth {
				return nil, end, fmt.Errorf("too many or too deeply nested elements")
			}
			if dup := duplicate(e.attrs); dup != "" {
				return nil, e.line, fmt.Errorf("attribute '%s' repeated in <%s>", dup, e.name)
			}
			if len(stack) > 0 {
				parent := stack[len(stack)-1]
				parent.children = append(parent.children, e)
			} else if root != nil {
				return nil, e.line, fmt.Errorf("more than one root element")
			} else {
				root = e
			}
			stack = append(stack, e)
		case xml.EndElement:
			stack = stack[:len(stack)-1]
		case xml.CharData:
			if text := strings.TrimSpace(string(t)); text != "" {
				return nil, end, fmt.Errorf("unexpected text %q", clip(text))
			}
		case xml.Directive:
			return nil, end, fmt.Errorf("no <! declaration is allowed")
		}
	}
	if root == nil {
		return nil, 0, fmt.Errorf("empty document")
	}
	return root, 0, nil
}

func newElement(t xml.StartElement, line int) *element {
	e := &element{name: qualified(t.Name), line: line}
	for _, a := range t.Attr {
		e.attrs = append(e.attrs, attr{qualified(a.Name), a.Value})
	}
	return e
}

// startLine is the line of the '<' that opens the tag ending at offset on line
// end, so that a tag written over several lines is blamed where it begins.
func startLine(src []byte, offset int64, end int) int {
	tag := src[:min(int(offset), len(src))]
	if i := bytes.LastIndexByte(tag, '<'); i >= 0 {
		return end - bytes.Count(tag[i:], []byte("\n"))
	}
	return end
}

func qualified(n xml.Name) string {
	if n.Space != "" {
		return n.Space + ":" + n.Local
	}
	return n.Local
}

func duplicate(attrs []attr) string {
	seen := map[string]bool{}
	for _, a := range attrs {
		if seen[a.name] {
			return a.name
		}
		seen[a.name] = true
	}
	return ""
}

// errorLine prefers the line the parser names.
func errorLine(err error, line int) int {
	var syntax *xml.SyntaxError
	if errors.As(err, &syntax) {
		return syntax.Line
	}
	return line
}

// parserMessage drops the parser's own prefix, which repeats the line.
func parserMessage(err error) error {
	var syntax *xml.SyntaxError
	if errors.As(err, &syntax) {
		return errors.New(syntax.Msg)
	}
	return errors.New(strings.TrimPrefix(err.Error(), "xml: "))
}

// clip bounds foreign text inside a message.
func clip(s string) string {
	const most = 60
	r := []rune(s)
	if len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
