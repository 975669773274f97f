package userconfig

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestTimeValues(t *testing.T) {
	for _, tc := range []struct {
		value   string
		unit    time.Duration
		want    time.Duration
		problem timeProblem
	}{
		{"24", time.Hour, 24 * time.Hour, timeGood},
		{"24h", time.Hour, 24 * time.Hour, timeGood},
		{"1d", time.Hour, 24 * time.Hour, timeGood},
		{"1440m", time.Hour, 24 * time.Hour, timeGood},
		{"30s", time.Millisecond, 30 * time.Second, timeGood},
		{"50us", time.Millisecond, 0, timeWrongUnit},
		{"90s", time.Minute, time.Minute, timeInexact},
		{"500ms", time.Second, 0, timeWrongUnit},
		{"0ms", time.Second, 0, timeWrongUnit},
		{"0", time.Second, 0, timeGood},
		{"0s", time.Second, 0, timeGood},
		{" 7 ", time.Second, 7 * time.Second, timeGood},
		{"1500ms", time.Second, time.Second, timeInexact},
		{"2147483647", time.Second, 2147483647 * time.Second, timeGood},
		{"2147483648", time.Second, 0, timeTooLarge},
		{"999999999999999999d", time.Hour, 0, timeTooLarge},
		{"1h30m", time.Hour, 0, timeBadSyntax},
		{"1.5h", time.Hour, 0, timeBadSyntax},
		{"10 s", time.Second, 0, timeBadSyntax},
		{"5S", time.Second, 0, timeBadSyntax},
		{"-1", time.Second, 0, timeBadSyntax},
		{"+1", time.Second, 0, timeBadSyntax},
		{"", time.Second, 0, timeBadSyntax},
	} {
		got, problem := parseTime(tc.value, tc.unit)
		if got != tc.want || problem != tc.problem {
			t.Errorf("parseTime(%q, %v) = %v, %v; want %v, %v", tc.value, tc.unit, got, problem, tc.want, tc.problem)
		}
	}
}

func TestSplitWords(t *testing.T) {
	for in, want := range map[string]string{
		"":                      `[]`,
		"  a  b\tc ":            `["a" "b" "c"]`,
		`'a b' "c d"`:           `["a b" "c d"]`,
		`x'a b'y ""`:            `["xa by" ""]`,
		`a\ b \"`:               `["a b" "\""]`,
		`"a\"b\\c\d"`:           `["a\"b\\c\\d"]`,
		`'\' # $HOME`:           `["\\" "#" "$HOME"]`,
		"`id` $(id) ; rm *":     "[\"`id`\" \"$(id)\" \";\" \"rm\" \"*\"]",
		`{"json": "not quoted}`: `error`,
	} {
		words, err := splitWords(in)
		got := fmt.Sprintf("%q", words)
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("splitWords(%q) = %s, want %s", in, got, want)
		}
	}
}

func TestNearest(t *testing.T) {
	words := []string{"ident", "action", "when", "addr"}
	for word, want := range map[string]string{
		"acton": "action", "Ident": "ident", "adr": "addr", "whne": "when",
		"": "", "completely": "", "x": "", strings.Repeat("a", 1000): "",
	} {
		if got := nearest(word, words); got != want {
			t.Errorf("nearest(%q) = %q, want %q", word, got, want)
		}
	}
}
