package resource

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/safehold/safehold/runtime/ha"
)

// Bounds of the history.
const (
	MaxHistory   = 2000    // changes kept in memory
	maxFile      = 4 << 20 // bytes of the file before it becomes path.1
	maxFileLine  = 8 * MaxValue
	olderSuffix  = ".1"
	historyPerms = 0o600
)

// Event is a change that was kept.
type Event struct {
	Resource ha.Resource
	Value    string
	Date     time.Time
	By       string
}

// line is an event in the file.
type line struct {
	Date  time.Time `json:"t"`
	Name  string    `json:"r"`
	Value string    `json:"v"`
	By    string    `json:"by,omitempty"`
}

// history is a ring of the last events, and the append-only file behind it.
// The file and one older one are kept, so that the disk use is bounded too.
type history struct {
	ring  []Event
	start int // of the oldest, once the ring is full
	path  string
	file  *os.File
	size  int64
	err   error
}

// History lists the kept changes of local resources, oldest first; with a
// resource given, those of it alone.
func (t *Table) History(of ...ha.Resource) []Event {
	h, out := &t.history, []Event{}
	for i := range h.ring {
		e := h.ring[(h.start+i)%len(h.ring)]
		if len(of) == 0 || e.Resource == of[0] {
			out = append(out, e)
		}
	}
	return out
}

// HistoryErr is why the history file misses changes, nil when it is whole. It
// is cleared by asking.
func (t *Table) HistoryErr() error {
	err := t.history.err
	t.history.err = nil
	return err
}

func (h *history) add(c Change) {
	h.remember(Event{c.Resource, c.New, c.Date, c.By})
	if h.path == "" {
		return
	}
	if err := h.write(line{c.Date, c.Resource.String(), c.New, c.By}); err != nil {
		h.err = err
	}
}

func (h *history) remember(e Event) {
	if len(h.ring) < MaxHistory {
		h.ring = append(h.ring, e)
		return
	}
	h.ring[h.start] = e
	h.start = (h.start + 1) % MaxHistory
}

// open reads both files back and goes on at the end of the newer.
func (h *history) open(path string) error {
	for _, p := range []string{path + olderSuffix, path} {
		if err := h.readBack(p); err != nil {
			return err
		}
	}
	h.path = path
	return h.reopen()
}

func (h *history) reopen() error {
	file, err := os.OpenFile(h.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, historyPerms)
	if err != nil {
		return err
	}
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return errors.Join(err, file.Close())
	}
	h.file, h.size = file, size
	return nil
}

// readBack remembers the events of a file; lines that make no sense, the torn
// end after a power cut for one, are left out.
func (h *history) readBack(path string) error {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	in := bufio.NewScanner(file)
	in.Buffer(nil, maxFileLine)
	for in.Scan() {
		var l line
		if json.Unmarshal(in.Bytes(), &l) != nil {
			continue
		}
		r, err := ha.ParseResource(l.Name)
		if err == nil && Check(r, l.Value) == nil {
			h.remember(Event{r, l.Value, l.Date, l.By})
		}
	}
	if errors.Is(in.Err(), bufio.ErrTooLong) {
		return nil
	}
	return in.Err()
}

func (h *history) write(l line) error {
	raw, err := json.Marshal(l)
	if err != nil {
		return err
	}
	if h.size > maxFile || h.file == nil {
		if err := h.rotate(); err != nil {
			return err
		}
	}
	n, err := h.file.Write(append(raw, '\n'))
	h.size += int64(n)
	return err
}

func (h *history) rotate() error {
	if err := h.close(); err != nil {
		return err
	}
	if err := os.Rename(h.path, h.path+olderSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return h.reopen()
}

func (h *history) close() error {
	if h.file == nil {
		return nil
	}
	err := h.file.Close()
	h.file = nil
	return err
}
