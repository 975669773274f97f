package rule

import (
	"strings"
	"unicode/utf8"
)

// scanner walks a text by what the parser expects next: the same characters are
// a label here and the name of a resource there, so there is no token stream.
// Columns count characters.
type scanner struct {
	text string
	off  int
	pos  Pos
	lua  bool // comments are "-- …" instead of /* … */
}

func newScanner(text string, line int, lua bool) *scanner {
	return &scanner{text: text, pos: Pos{Line: line, Column: 1}, lua: lua}
}

func (s *scanner) rest() string { return s.text[s.off:] }
func (s *scanner) eof() bool    { return s.off >= len(s.text) }

// advance moves over n bytes, keeping line and column.
func (s *scanner) advance(n int) {
	for _, r := range s.text[s.off : s.off+n] {
		if r == '\n' {
			s.pos.Line++
			s.pos.Column = 1
		} else {
			s.pos.Column++
		}
	}
	s.off += n
}

func blank(r byte) bool {
	return r == ' ' || r == '\t' || r == '\n' || r == '\r' || r == '\f' || r == '\v'
}

// skip moves over blanks and comments.
func (s *scanner) skip() *Error {
	for !s.eof() {
		rest := s.rest()
		switch {
		case blank(rest[0]):
			s.advance(1)
		case s.lua && strings.HasPrefix(rest, "--"):
			if strings.HasPrefix(rest[2:], "[[") || strings.HasPrefix(rest[2:], "[=") {
				return mistake(s.pos, "begin each comment line with --", "unsupported Lua construct: block comment")
			}
			s.advance(lineLength(rest))
		case !s.lua && strings.HasPrefix(rest, "/*"):
			end := strings.Index(rest[2:], "*/")
			if end < 0 {
				return mistake(s.pos, "close it with */", "unterminated comment")
			}
			s.advance(end + 4)
		default:
			return nil
		}
	}
	return nil
}

func lineLength(s string) int {
	if i := strings.IndexByte(s, '\n'); i >= 0 {
		return i
	}
	return len(s)
}

// take moves over lit if it comes next.
func (s *scanner) take(lit string) bool {
	if !strings.HasPrefix(s.rest(), lit) {
		return false
	}
	s.advance(len(lit))
	return true
}

func (s *scanner) run(accept func(i int, c byte) bool) string {
	rest, n := s.rest(), 0
	for n < len(rest) && accept(n, rest[n]) {
		n++
	}
	s.advance(n)
	return rest[:n]
}

func letter(c byte) bool { return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
func digit(c byte) bool  { return c >= '0' && c <= '9' }

// word takes [A-Za-z_][A-Za-z0-9_]*, or nothing.
func (s *scanner) word() string {
	return s.run(func(i int, c byte) bool { return letter(c) || i > 0 && digit(c) })
}

// label takes [A-Za-z_][A-Za-z0-9_.-]*, or nothing.
func (s *scanner) label() string {
	return s.run(func(i int, c byte) bool { return letter(c) || i > 0 && (digit(c) || c == '.' || c == '-') })
}

// name takes the longest run of characters a resource id may hold, or nothing.
// A comment ends it.
func (s *scanner) name() string {
	rest := s.rest()
	return s.run(func(i int, c byte) bool {
		return c > ' ' && c != 0x7f && !strings.ContainsRune("()!=&|;,\"'*?%<>", rune(c)) &&
			!(c == '/' && strings.HasPrefix(rest[i:], "/*"))
	})
}

// next describes what comes next, for messages.
func (s *scanner) next() string {
	if s.eof() {
		return "the end of the section"
	}
	rest := s.rest()
	n := 0
	for n < len(rest) && (letter(rest[n]) || digit(rest[n]) || rest[n] == '.') {
		n++
	}
	if n == 0 {
		_, n = utf8.DecodeRuneInString(rest)
	}
	return "\"" + clip(strings.ToValidUTF8(rest[:n], "?")) + "\""
}

// recover moves behind the next ";" (or to the end) after a mistake.
func (s *scanner) recover() {
	rest := s.rest()
	if i := strings.IndexByte(rest, ';'); i >= 0 {
		s.advance(i + 1)
		return
	}
	s.advance(len(rest))
}
