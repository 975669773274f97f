package modlog

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/safehold/safehold/runtime/ha"
)

// Bounds of a line, in bytes.
const (
	MaxText   = 8 << 10 // of the text; longer ones end with …
	MaxOrigin = 64
)

// timeLayout is the time stamp: local time, microseconds.
const timeLayout = "2006-01-02 15:04:05.000000"

// Line is one message of a module log.
type Line struct {
	Time   time.Time // local time, to the microsecond
	Origin string    // who speaks: heart, safekit, userplug, a script
	Level  ha.Level
	Text   string // without control characters
}

// NewLine makes a line of foreign strings: control characters are escaped, so
// that a message can neither break the line nor forge another one, and lengths
// are bounded.
func NewLine(now time.Time, origin string, level ha.Level, text string) Line {
	return Line{Time: now.Local().Truncate(time.Microsecond), Origin: cleanOrigin(origin), Level: level, Text: cleanText(text)}
}

// String gives the line of the file, without line feed.
func (l Line) String() string {
	return "| " + l.Time.Format(timeLayout) + " | " + l.Origin + " | " + l.Level.String() + " | " + l.Text
}

// Parse reads a line of the file; a line feed at its end is allowed.
func Parse(s string) (Line, error) {
	s = strings.TrimSuffix(s, "\n")
	rest, ok := strings.CutPrefix(s, "| ")
	fields := strings.SplitN(rest, " | ", 4)
	if !ok || len(fields) != 4 {
		return Line{}, fmt.Errorf("log line %q: want | time | origin | level | text", clip(s))
	}
	when, err := time.ParseInLocation(timeLayout, fields[0], time.Local)
	switch {
	case err != nil:
		return Line{}, fmt.Errorf("log line %q: %w", clip(s), err)
	case fields[1] == "" || fields[1] != cleanOrigin(fields[1]):
		return Line{}, fmt.Errorf("log line %q: bad origin", clip(s))
	case len(fields[2]) != 1 || !known(ha.Level(fields[2][0])):
		return Line{}, fmt.Errorf("log line %q: unknown level %q", clip(s), clip(fields[2]))
	case fields[3] != cleanText(fields[3]):
		return Line{}, fmt.Errorf("log line %q: control characters or too long", clip(s))
	}
	return Line{Time: when, Origin: fields[1], Level: ha.Level(fields[2][0]), Text: fields[3]}, nil
}

func known(l ha.Level) bool {
	return strings.ContainsRune("CEUSIWD", rune(l))
}

// cleanText escapes control characters and cuts the text to MaxText.
func cleanText(s string) string {
	s = strings.TrimRight(strings.ToValidUTF8(s, "\uFFFD"), "\r\n")
	if strings.ContainsFunc(s, unprintable) {
		s = escape(s)
	}
	if len(s) <= MaxText {
		return s
	}
	const mark = "…"
	end := MaxText - len(mark)
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + mark
}

// unprintable characters would break a line or disguise it.
func unprintable(r rune) bool {
	return unicode.IsControl(r) || r >= '\u2028' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
}

func escape(s string) string {
	var b strings.Builder
	for _, r := range s {
		if b.Len() > MaxText+utf8.UTFMax {
			break
		}
		switch {
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case unprintable(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// cleanOrigin gives one short word; "-" for none.
func cleanOrigin(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unprintable(r) || r == '|' || r == utf8.RuneError {
			return '_'
		}
		return r
	}, s)
	for len(s) > MaxOrigin {
		_, n := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-n]
	}
	if s == "" {
		return "-"
	}
	return s
}

func clip(s string) string {
	if len(s) > 60 {
		return strings.ToValidUTF8(s[:60], "") + "…"
	}
	return s
}
