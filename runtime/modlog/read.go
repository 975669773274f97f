package modlog

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"
)

// maxRead bounds a line that is read; what a foreign hand made longer is cut
// into several lines.
const maxRead = 64 << 10

// pollEvery is how often Follow looks for new lines.
const pollEvery = 200 * time.Millisecond

// Tail gives the last n lines of a module log, oldest first, all of them for n
// <= 0. all false leaves only the levels of the default view. Lines that make
// no sense are left out. A log that was never written is empty.
func Tail(path string, n int, all bool) ([]Line, error) {
	return tail(path, n, func(raw []byte) (Line, bool) { return accept(raw, all) })
}

// TailCommands gives the last n lines of a commands log, all for n <= 0.
func TailCommands(path string, n int) ([]CommandLine, error) {
	return tail(path, n, func(raw []byte) (CommandLine, bool) {
		c, err := ParseCommand(string(raw))
		return c, err == nil
	})
}

func accept(raw []byte, all bool) (Line, bool) {
	l, err := Parse(string(raw))
	return l, err == nil && (all || l.Level.Shown())
}

// tail reads from the newest file towards older ones until it has n lines.
func tail[T any](path string, n int, parse func([]byte) (T, bool)) ([]T, error) {
	var out []T
	for i := 0; n <= 0 || len(out) < n; i++ {
		lines, err := lastOf(older(path, i), n-len(out), n <= 0, parse)
		if errors.Is(err, fs.ErrNotExist) {
			if i == 0 {
				continue // between a rotation and the next line, or never written
			}
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read log: %w", err)
		}
		out = append(lines, out...)
	}
	return out, nil
}

// lastOf gives the last n lines of one file.
func lastOf[T any](path string, n int, every bool, parse func([]byte) (T, bool)) ([]T, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var ring []T
	next := 0
	in := bufio.NewReaderSize(file, maxRead)
	for {
		raw, err := in.ReadSlice('\n')
		if errors.Is(err, io.EOF) {
			return append(slices.Clone(ring[next:]), ring[:next]...), nil
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return nil, err
		}
		l, ok := parse(raw)
		switch {
		case !ok:
		case every || len(ring) < n:
			ring = append(ring, l)
		default:
			ring[next] = l
			next = (next + 1) % n
		}
	}
}

// Follow hands the lines that are written after its call to emit, in order,
// until ctx ends (which is no error) or emit fails. It starts with the last n
// lines (none for n <= 0), and misses nothing when the log is rotated.
func Follow(ctx context.Context, path string, n int, all bool, emit func(Line) error) error {
	f := &follower{path: path, all: all, emit: emit}
	defer f.close()
	if err := f.begin(n); err != nil {
		return fmt.Errorf("follow log: %w", err)
	}
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		if err := f.poll(); err != nil {
			return fmt.Errorf("follow log: %w", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
