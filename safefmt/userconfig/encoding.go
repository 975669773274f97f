package userconfig

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// charset is the encoding of a file. Files are worked on in UTF-8 and written
// back in their own encoding, byte for byte where nothing was edited.
type charset struct {
	name string // utf-8, iso-8859-1, us-ascii, utf-16le, utf-16be
	bom  []byte
}

var (
	bomUTF8  = []byte{0xEF, 0xBB, 0xBF}
	bomLE    = []byte{0xFF, 0xFE}
	bomBE    = []byte{0xFE, 0xFF}
	declared = regexp.MustCompile(`^\s*<\?xml\s[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']`)
)

// decodeText finds the encoding of src and gives its text in UTF-8 without the
// byte order mark.
func decodeText(src []byte) (string, charset, error) {
	cs := sniff(src)
	body := src[len(cs.bom):]
	switch cs.name {
	case "utf-16le", "utf-16be":
		text, err := decodeUTF16(body, cs.order())
		return text, cs, err
	case "iso-8859-1":
		return decodeLatin1(body), cs, nil
	case "us-ascii":
		for i, b := range body {
			if b >= utf8.RuneSelf {
				return "", cs, fmt.Errorf("byte %#x at offset %d is not us-ascii", b, i)
			}
		}
		return string(body), cs, nil
	case "utf-8":
		if !utf8.Valid(body) {
			return "", cs, errors.New("invalid UTF-8")
		}
		return string(body), cs, nil
	default:
		return "", cs, fmt.Errorf("unsupported encoding '%s': save the file as utf-8", cs.name)
	}
}

// encode is the inverse of decodeText. The runes must be those can allows.
func (cs charset) encode(text string) []byte {
	out := bytes.Clone(cs.bom)
	switch cs.name {
	case "utf-16le", "utf-16be":
		for _, u := range utf16.Encode([]rune(text)) {
			out = cs.order().AppendUint16(out, u)
		}
	case "iso-8859-1":
		for _, r := range text {
			out = append(out, byte(r))
		}
	default:
		out = append(out, text...)
	}
	return out
}

// can tells whether the rune has a code in the encoding.
func (cs charset) can(r rune) bool {
	switch cs.name {
	case "iso-8859-1":
		return r <= 0xFF
	case "us-ascii":
		return r < utf8.RuneSelf
	default:
		return true
	}
}

// byteOrder reads and appends.
type byteOrder interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

func (cs charset) order() byteOrder {
	if cs.name == "utf-16be" {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

func sniff(src []byte) charset {
	switch {
	case bytes.HasPrefix(src, bomUTF8):
		return charset{"utf-8", bomUTF8}
	case bytes.HasPrefix(src, bomLE):
		return charset{"utf-16le", bomLE}
	case bytes.HasPrefix(src, bomBE):
		return charset{"utf-16be", bomBE}
	case bytes.HasPrefix(src, []byte("<\x00")):
		return charset{name: "utf-16le"}
	case bytes.HasPrefix(src, []byte("\x00<")):
		return charset{name: "utf-16be"}
	}
	m := declared.FindSubmatch(src[:min(len(src), 1024)])
	if m == nil {
		return charset{name: "utf-8"}
	}
	switch name := strings.ToLower(string(m[1])); name {
	case "utf8":
		return charset{name: "utf-8"}
	case "latin1", "iso8859-1", "iso_8859-1":
		return charset{name: "iso-8859-1"}
	case "ascii":
		return charset{name: "us-ascii"}
	default:
		return charset{name: name}
	}
}

func decodeUTF16(body []byte, order byteOrder) (string, error) {
	if len(body)%2 != 0 {
		return "", errors.New("invalid UTF-16: odd number of bytes")
	}
	units := make([]uint16, 0, len(body)/2)
	for i := 0; i < len(body); i += 2 {
		units = append(units, order.Uint16(body[i:]))
	}
	runes := utf16.Decode(units)
	for _, r := range runes {
		if r == utf8.RuneError {
			return "", errors.New("invalid UTF-16: lone surrogate")
		}
	}
	return string(runes), nil
}

func decodeLatin1(body []byte) string {
	runes := make([]rune, len(body))
	for i, b := range body {
		runes[i] = rune(b)
	}
	return string(runes)
}
