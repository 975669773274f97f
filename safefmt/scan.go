package safefmt

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// maxDepth bounds the nesting of elements; real files use five levels.
const maxDepth = 100

// confFacts is the little that a package's checks need of userconfig.xml.
type confFacts struct {
	mode string // the service's mode attribute as written; empty when absent
}

// scanConfig checks that userconfig.xml is well-formed, in the sense of
// userconfig-xml.md section 1: macros may stand before the root, no entity
// may be declared. What it says is judged by the configuration.
func scanConfig(data []byte) (confFacts, error) {
	text, err := decodeUTF16(data)
	if err != nil {
		return confFacts{}, err
	}
	d := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(text, bom)))
	d.CharsetReader = charset
	s := scanner{}
	for {
		line, _ := d.InputPos()
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			return s.facts, s.end()
		}
		if err == nil {
			err = s.token(tok)
		} else if syn := (*xml.SyntaxError)(nil); errors.As(err, &syn) {
			line, err = syn.Line, errors.New(syn.Msg)
		}
		if err != nil {
			return confFacts{}, fmt.Errorf("line %d: not well-formed XML: %w", line, err)
		}
	}
}

// decodeUTF16 gives UTF-8 for a file that starts with a UTF-16 mark, or with
// "<" in UTF-16.
func decodeUTF16(data []byte) ([]byte, error) {
	order := unicode.LittleEndian
	switch {
	case bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("<\x00")):
	case bytes.HasPrefix(data, []byte("\xfe\xff")), bytes.HasPrefix(data, []byte("\x00<")):
		order = unicode.BigEndian
	default:
		return data, nil
	}
	out, err := unicode.UTF16(order, unicode.UseBOM).NewDecoder().Bytes(data)
	if err != nil {
		return nil, fmt.Errorf("decode UTF-16: %w", err)
	}
	return out, nil
}

// charset admits the encodings of userconfig-xml.md section 1. A declared
// UTF-16 is already decoded here.
func charset(label string, r io.Reader) (io.Reader, error) {
	switch strings.ToLower(label) {
	case "us-ascii", "ascii", "utf-16":
		return r, nil
	case "iso-8859-1", "latin1":
		return charmap.ISO8859_1.NewDecoder().Reader(r), nil
	}
	return nil, fmt.Errorf("unsupported encoding %q: save the file as UTF-8", label)
}

// scanner adds to encoding/xml the checks of well-formedness it leaves out.
type scanner struct {
	facts confFacts
	depth int
	roots int
}

func (s *scanner) token(tok xml.Token) error {
	switch t := tok.(type) {
	case xml.StartElement:
		return s.start(t)
	case xml.EndElement:
		s.depth--
	case xml.CharData:
		if s.depth == 0 && len(bytes.TrimSpace(t)) > 0 {
			return errors.New("text outside the root element")
		}
	case xml.Directive:
		if bytes.Contains(t, []byte("<!")) || bytes.Contains(t, []byte("[")) {
			return errors.New("declarations inside DOCTYPE are not allowed")
		}
	}
	return nil
}

func (s *scanner) start(t xml.StartElement) error {
	name := t.Name.Local
	if s.depth == 0 && name != "macro" {
		s.roots++
	}
	if s.roots > 1 {
		return fmt.Errorf("second root element <%s>", name)
	}
	if s.depth++; s.depth > maxDepth {
		return fmt.Errorf("elements nested deeper than %d", maxDepth)
	}
	seen := map[xml.Name]bool{}
	for _, a := range t.Attr {
		if seen[a.Name] {
			return fmt.Errorf("attribute %s given twice in <%s>", a.Name.Local, name)
		}
		seen[a.Name] = true
		if name == "service" && a.Name.Local == "mode" {
			s.facts.mode = a.Value
		}
	}
	return nil
}

func (s *scanner) end() error {
	if s.roots == 0 {
		return errors.New("not well-formed XML: no root element")
	}
	return nil
}
