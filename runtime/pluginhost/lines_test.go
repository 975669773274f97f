package pluginhost

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
)

func TestBucket(t *testing.T) {
	b := bucket{size: 3, rate: 1}
	now := time.Unix(1000, 0)
	for i := range 5 {
		if ok, _ := b.take(now); ok != (i < 3) {
			t.Errorf("take %d: %v", i, ok)
		}
	}
	if ok, dropped := b.take(now.Add(1500 * time.Millisecond)); !ok || dropped != 2 {
		t.Errorf("later: %v, %d dropped", ok, dropped)
	}
	if ok, _ := b.take(now.Add(-time.Hour)); ok {
		t.Error("a clock that jumps back filled the bucket")
	}
}

func TestBackoff(t *testing.T) {
	b := Backoff{Min: 1, Max: 5, Reset: 100}
	last := time.Duration(0)
	for i, want := range []time.Duration{1, 2, 4, 5, 5} {
		if last = b.next(last, 10); last != want {
			t.Errorf("wait %d: %v, want %v", i, last, want)
		}
	}
	if got := b.next(5, 100); got != 1 {
		t.Errorf("after a long run: %v", got)
	}
}

func TestParseLine(t *testing.T) {
	for _, tc := range []struct {
		in    string
		level logrus.Level
		msg   string
		field string
	}{
		{`{"@level":"info","@message":"hello","@timestamp":"x","@module":"m","a":1}`, logrus.InfoLevel, "hello", "1"},
		{`{"@level":"debug","@message":"d"}`, logrus.DebugLevel, "d", ""},
		{`{"@level":"panic","@message":"d"}`, logrus.ErrorLevel, "d", ""},
		{`{"@level":"odd","@message":"d"}`, logrus.ErrorLevel, "d", ""},
		{`{"@message":"forged\nline\u001b[0m"}`, logrus.InfoLevel, "forged\uFFFDline\uFFFD[0m", ""},
		{`{"@message":7}`, logrus.InfoLevel, `{"@message":7}`, ""},
		{`panic: oh`, logrus.ErrorLevel, "panic: oh", ""},
		{`just words`, logrus.InfoLevel, "just words", ""},
		{"bad \xff bytes", logrus.InfoLevel, "bad \uFFFD bytes", ""},
	} {
		level, msg, fields := parseLine([]byte(tc.in))
		if level != tc.level || msg != tc.msg {
			t.Errorf("%s: %v %q", tc.in, level, msg)
		}
		if tc.field != "" && fields["a"] != tc.field {
			t.Errorf("%s: fields %v", tc.in, fields)
		}
	}
}

func FuzzLines(f *testing.F) {
	f.Add([]byte("{\"@message\":1}\nx\n"))
	f.Add([]byte(strings.Repeat("y", 3*maxLine)))
	quiet := logrus.New()
	quiet.SetOutput(io.Discard)
	f.Fuzz(func(t *testing.T, in []byte) {
		s := newLineLog(quiet).stream()
		for len(in) > 0 {
			n := min(len(in), 7)
			if got, err := s.Write(in[:n]); got != n || err != nil {
				t.Fatal(got, err)
			}
			in = in[n:]
		}
		if len(s.buf) > maxLine {
			t.Fatalf("%d bytes held", len(s.buf))
		}
	})
}
