package modlog

import (
	"strings"
	"testing"
	"time"

	"github.com/safehold/safehold/runtime/ha"
)

var noon = time.Date(2026, 1, 31, 12, 0, 0, 123456789, time.Local)

func TestLineFormat(t *testing.T) {
	for _, tc := range []struct{ origin, text, want string }{
		{"heart", "Local state ALONE Ready", "| 2026-01-31 12:00:00.123456 | heart | E | Local state ALONE Ready"},
		{"a|b c\n", "x | y", "| 2026-01-31 12:00:00.123456 | a_b_c_ | E | x | y"},
		{"", "one\ntwo\tthree\x1b[31m\u202e\n", `| 2026-01-31 12:00:00.123456 | - | E | one\ntwo\tthree\u001b[31m\u202e`},
		{"x", "bad \xff utf8", "| 2026-01-31 12:00:00.123456 | x | E | bad \uFFFD utf8"},
		{strings.Repeat("é", 99), "", "| 2026-01-31 12:00:00.123456 | " + strings.Repeat("é", MaxOrigin/2) + " | E | "},
	} {
		l := NewLine(noon, tc.origin, ha.Event, tc.text)
		if got := l.String(); got != tc.want {
			t.Errorf("got  %q\nwant %q", got, tc.want)
		}
		again, err := Parse(l.String() + "\n")
		if err != nil || again != l {
			t.Errorf("%q reads back as %+v, %v", l, again, err)
		}
	}
	for _, long := range []string{strings.Repeat("é", MaxText), strings.Repeat("\x00", MaxText), "a" + strings.Repeat("€", MaxText)} {
		l := NewLine(noon, "x", ha.Info, long)
		if len(l.Text) > MaxText || len(l.Text) < MaxText-8 || !strings.HasSuffix(l.Text, "…") {
			t.Errorf("%d bytes", len(l.Text))
		}
		if _, err := Parse(l.String()); err != nil {
			t.Error(err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, bad := range []string{
		"", "|", "| 2026-01-31 12:00:00.000000 | heart | E", "2026-01-31 12:00:00.000000 | heart | E | x",
		"| yesterday | heart | E | x", "| 2026-01-31 12:00:00.000000 | he art | E | x",
		"| 2026-01-31 12:00:00.000000 | heart | X | x", "| 2026-01-31 12:00:00.000000 |  | E | x",
		"| 2026-01-31 12:00:00.000000 | heart | E | a\x00", "| 2026-01-31 12:00:00.000000 | heart | EE | x",
	} {
		if l, err := Parse(bad); err == nil {
			t.Errorf("%q read as %+v", bad, l)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("| 2026-01-31 12:00:00.123456 | heart | E | Local state ALONE Ready\n")
	f.Add("| 2026-01-31 12:00:00.123456 |  |  | 12 | END | 0")
	f.Fuzz(func(t *testing.T, s string) {
		if l, err := Parse(s); err == nil {
			again, err := Parse(l.String())
			if err != nil || !again.Time.Equal(l.Time) || again.Text != l.Text || again.Origin != l.Origin {
				t.Fatalf("%q: %+v, %v", s, again, err)
			}
		}
		if c, err := ParseCommand(s); err == nil {
			if again, err := ParseCommand(c.String()); err != nil || again.Detail != c.Detail || again.PID != c.PID {
				t.Fatalf("%q: %+v, %v", s, again, err)
			}
		}
		l := NewLine(noon, s, ha.Debug, s)
		if again, err := Parse(l.String()); err != nil || again != l {
			t.Fatalf("%q: %+v, %v", l, again, err)
		}
	})
}
