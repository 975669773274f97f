package modlog

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
)

// maxOlder bounds the search for the file that was open before rotations.
const maxOlder = 1000

// follower reads a log as it grows.
type follower struct {
	path string
	all  bool
	emit func(Line) error
	file *os.File
	part []byte // of a line whose end is not written yet
}

// begin goes to the end of the present file and emits its last n lines. A line
// that is written meanwhile is emitted by the first poll.
func (f *follower) begin(n int) error {
	file, err := os.Open(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return f.recent(n)
	}
	if err != nil {
		return err
	}
	f.file = file
	if n > 0 {
		return f.beginAt(n)
	}
	_, err = file.Seek(0, io.SeekEnd)
	return err
}

// beginAt emits older files' lines by Tail, then everything of the present file
// that Tail would show, by reading it whole: no line falls between both.
func (f *follower) beginAt(n int) error {
	raw, err := io.ReadAll(f.file)
	if err != nil {
		return err
	}
	var here []Line
	raw = f.cut(raw, func(l Line) error {
		here = append(here, l)
		return nil
	})
	f.part = raw
	if len(here) < n {
		if err := f.older(n - len(here)); err != nil {
			return err
		}
	}
	for _, l := range here[max(len(here)-n, 0):] {
		if err := f.emit(l); err != nil {
			return err
		}
	}
	return nil
}

// recent emits the last n lines of a log that has no present file.
func (f *follower) recent(n int) error {
	if n <= 0 {
		return nil
	}
	return f.older(n)
}

// older emits the last n lines of the files before the present one.
func (f *follower) older(n int) error {
	var out []Line
	for i := 1; i < maxOlder && len(out) < n; i++ {
		lines, err := lastOf(older(f.path, i), n-len(out), false, func(raw []byte) (Line, bool) { return accept(raw, f.all) })
		if errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err != nil {
			return err
		}
		out = append(lines, out...)
	}
	for _, l := range out {
		if err := f.emit(l); err != nil {
			return err
		}
	}
	return nil
}

// poll emits what is new, through all rotations since the last poll.
func (f *follower) poll() error {
	if f.file == nil {
		return f.openPresent()
	}
	for {
		next, err := f.successor()
		if err != nil {
			return err
		}
		// Only now: the file was complete when its successor was seen.
		if err := f.drain(); err != nil {
			return err
		}
		if next == nil {
			return nil
		}
		if err := f.file.Close(); err != nil {
			return err
		}
		f.file, f.part = next, nil
	}
}

func (f *follower) openPresent() error {
	file, err := os.Open(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	f.file = file
	return f.drain()
}

// successor opens the file written after the one that is open, nil when that
// is still the present one, or when a rotation is half done.
func (f *follower) successor() (*os.File, error) {
	held, err := f.file.Stat()
	if err != nil {
		return nil, err
	}
	for {
		at, oldest, err := f.find(held)
		switch {
		case err != nil || at == 0 || oldest < 0:
			return nil, err
		case at < 0: // ours was removed: go on with the oldest there is
			return f.openAt(oldest)
		}
		next, err := f.openAt(at - 1)
		if err != nil || next == nil {
			return nil, err
		}
		// Files move one by one, the oldest first: if ours is still where it
		// was, what was opened is its successor.
		if info, err := os.Stat(older(f.path, at)); err == nil && os.SameFile(held, info) {
			return next, nil
		}
		if err := next.Close(); err != nil {
			return nil, err
		}
	}
}

// find tells which older file is the held one (-1: none), and which is the
// oldest (-1: none). A rotation leaves at most one gap in the row.
func (f *follower) find(held fs.FileInfo) (at, oldest int, err error) {
	oldest = -1
	for i, gaps := 0, 0; gaps < 2 && i < maxOlder; i++ {
		info, err := os.Stat(older(f.path, i))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			gaps++
			continue
		case err != nil:
			return -1, -1, err
		case os.SameFile(held, info):
			return i, i, nil
		}
		gaps, oldest = 0, i
	}
	return -1, oldest, nil
}

// openAt opens the i-th older file; nil when it does not exist (yet).
func (f *follower) openAt(i int) (*os.File, error) {
	file, err := os.Open(older(f.path, i))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return file, err
}

// drain emits the lines of the open file from where it stands.
func (f *follower) drain() error {
	buf := make([]byte, maxRead)
	for {
		n, err := f.file.Read(buf)
		if n > 0 {
			var failed error
			f.part = f.cut(append(f.part, buf[:n]...), func(l Line) error {
				if failed == nil {
					failed = f.emit(l)
				}
				return failed
			})
			if failed != nil {
				return failed
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// cut hands the whole lines of raw to take and returns the rest, bounded.
func (f *follower) cut(raw []byte, take func(Line) error) []byte {
	for {
		end := bytes.IndexByte(raw, '\n')
		if end < 0 {
			if len(raw) > maxRead {
				raw = nil
			}
			return bytes.Clone(raw)
		}
		if l, ok := accept(raw[:end], f.all); ok && take(l) != nil {
			return nil
		}
		raw = raw[end+1:]
	}
}

func (f *follower) close() {
	if f.file != nil {
		_ = f.file.Close() // opened for reading only
	}
}
