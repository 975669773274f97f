package pluginhost

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/sirupsen/logrus"
)

// Bounds on what a plugin may put into the log.
const (
	maxLine    = 8 << 10 // bytes read of a line; the rest is dropped
	maxMessage = 2 << 10 // bytes logged of a message
	maxField   = 256     // bytes logged of a field's name or value
	maxFields  = 16
	lineBurst  = 200 // lines at once
	lineRate   = 20  // lines per second in the long run
	floodPause = time.Millisecond
)

// lineLog turns what a plugin writes into log entries. Its streams may be
// written from several goroutines.
type lineLog struct {
	log logrus.FieldLogger

	mu     sync.Mutex // guards everything below
	bucket bucket
}

func newLineLog(log logrus.FieldLogger) *lineLog {
	return &lineLog{log: log, bucket: bucket{size: lineBurst, rate: lineRate}}
}

// stream gives a writer with a line buffer of its own.
func (l *lineLog) stream() *lineStream { return &lineStream{to: l} }

// line logs one line if the rate allows; it tells whether it did.
func (l *lineLog) line(raw []byte, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	ok, dropped := l.bucket.take(now)
	if !ok {
		return false
	}
	if dropped > 0 {
		l.log.WithField("lines", dropped).Warn("plugin writes too much, lines dropped")
	}
	level, msg, fields := parseLine(raw)
	l.log.WithFields(fields).Log(level, msg)
	return true
}

// lineStream cuts a stream into lines. One goroutine writes.
type lineStream struct {
	to  *lineLog
	buf []byte // an unfinished line, at most maxLine bytes
}

// Write never fails. While the plugin floods, it pauses a little for each
// piece, so that the flood costs no more than a bounded share of a processor.
func (s *lineStream) Write(p []byte) (int, error) {
	n, flood := len(p), false
	for len(p) > 0 {
		line, rest, whole := bytes.Cut(p, []byte{'\n'})
		s.buf = append(s.buf, line[:min(len(line), maxLine-len(s.buf))]...)
		p = rest
		if whole {
			if len(s.buf) > 0 && !s.to.line(s.buf, time.Now()) {
				flood = true
			}
			s.buf = s.buf[:0]
		}
	}
	if flood {
		time.Sleep(floodPause)
	}
	return n, nil
}

// parseLine understands hclog's JSON lines; anything else is taken as text.
func parseLine(raw []byte) (logrus.Level, string, logrus.Fields) {
	var object map[string]any
	if raw[0] != '{' || json.Unmarshal(raw, &object) != nil {
		return textLevel(raw), clean(string(raw), maxMessage), nil
	}
	msg, ok := object["@message"].(string)
	if !ok {
		return logrus.InfoLevel, clean(string(raw), maxMessage), nil
	}
	word, _ := object["@level"].(string)
	fields := logrus.Fields{}
	for k, v := range object {
		if !strings.HasPrefix(k, "@") && k != "timestamp" && len(fields) < maxFields {
			fields[clean(k, maxField)] = clean(fmt.Sprint(v), maxField)
		}
	}
	return jsonLevel(word), clean(msg, maxMessage), fields
}

func jsonLevel(word string) logrus.Level {
	if word == "" {
		return logrus.InfoLevel
	}
	level, err := logrus.ParseLevel(word)
	if err != nil || level < logrus.ErrorLevel {
		return logrus.ErrorLevel // fatal and panic of a plugin must not act here
	}
	return level
}

func textLevel(raw []byte) logrus.Level {
	for _, s := range []string{"panic:", "fatal error:", "[ERROR]"} {
		if bytes.HasPrefix(raw, []byte(s)) {
			return logrus.ErrorLevel
		}
	}
	return logrus.InfoLevel
}

// clean bounds a text and takes out what could forge or garble lines.
func clean(s string, limit int) string {
	cut := ""
	if len(s) > limit {
		s, cut = s[:limit], "…"
	}
	return strings.Map(func(r rune) rune {
		if r == '\t' || unicode.IsPrint(r) {
			return r
		}
		return '\uFFFD'
	}, strings.ToValidUTF8(s, "\uFFFD")) + cut
}
