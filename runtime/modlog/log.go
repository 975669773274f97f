package modlog

import (
	"time"

	"github.com/safehold/safehold/runtime/ha"
)

// Options of a log; the zero value is right for a node.
type Options struct {
	MaxSize int64         // bytes of a file before it is rotated; 0: 8 MiB
	Keep    int           // older files kept, path.1 the newest; 0: 4
	MaxAge  time.Duration // older files are removed after this; 0: 30 days
	Buffer  int           // bytes of lines that may wait for the disk; 0: 4 MiB
	Journal string        // socket of the system journal; empty: the usual one
}

func (o Options) withDefaults() Options {
	if o.MaxSize <= 0 {
		o.MaxSize = 8 << 20
	}
	if o.Keep <= 0 {
		o.Keep = 4
	}
	if o.MaxAge <= 0 {
		o.MaxAge = 30 * 24 * time.Hour
	}
	if o.Buffer <= 0 {
		o.Buffer = 4 << 20
	}
	if o.Journal == "" {
		o.Journal = "/run/systemd/journal/socket"
	}
	return o
}

// Log appends to the log of one module. It is safe for concurrent use.
type Log struct {
	module string
	out    *appender
}

// Open makes or continues the log of a module at path.
func Open(path, module string, o Options) (*Log, error) {
	out, err := openAppender(path, o)
	if err != nil {
		return nil, err
	}
	return &Log{module: module, out: out}, nil
}

// Append adds a line; the main levels C, E, U, S also go to the system journal
// as "module | origin | text" (services.md section 7). It does not wait for
// either. The error tells that this line, or one before it, is lost.
func (l *Log) Append(now time.Time, origin string, level ha.Level, text string) error {
	line := NewLine(now, origin, level, text)
	r := record{text: line.String()}
	if level.Shown() {
		r.priority = priority(level)
		r.journal = l.module + " | " + line.Origin + " | " + line.Text
	}
	return l.out.append(r)
}

// Sync returns when every line so far is in the file.
func (l *Log) Sync() error { return l.out.sync() }

// Close writes what is left and ends.
func (l *Log) Close() error { return l.out.close() }
