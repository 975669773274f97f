package modlog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/gofrs/flock"
)

// rotating is a file that several processes append to. Before each write it
// checks that the path still names the file it holds; who finds it too large
// renames it under a lock, the others follow.
type rotating struct {
	path string
	o    Options
	file *os.File
	lock *flock.Flock
}

func openRotating(path string, o Options) (*rotating, error) {
	r := &rotating{path: path, o: o, lock: flock.New(path+".lock", flock.SetPermissions(0o600))}
	if err := r.reopen(); err != nil {
		return nil, err
	}
	return r, nil
}

func (r *rotating) reopen() error {
	if err := r.closeFile(); err != nil {
		return err
	}
	file, err := os.OpenFile(r.path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	r.file = file
	return r.endTornLine()
}

// endTornLine ends the half line a power cut or a full disk left, so that the
// next line stands alone.
func (r *rotating) endTornLine() error {
	info, err := r.file.Stat()
	if err != nil || info.Size() == 0 {
		return err
	}
	last := make([]byte, 1)
	if _, err := r.file.ReadAt(last, info.Size()-1); err != nil {
		return err
	}
	if last[0] == '\n' {
		return nil
	}
	_, err = r.file.Write([]byte{'\n'})
	return err
}

// lockWait bounds how long a write waits for a rotation by another process;
// one that was frozen in the middle must not end everybody's log.
const lockWait = 100 * time.Millisecond

// write appends whole lines with one system call. It holds the lock shared, so
// that nobody still writes to a file that was rotated away.
func (r *rotating) write(lines []byte) error {
	if err := r.rotateIfLarge(); err != nil {
		return fmt.Errorf("rotate: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), lockWait)
	defer cancel()
	if held, err := r.lock.TryRLockContext(ctx, time.Millisecond); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	} else if held {
		defer r.lock.Unlock()
	}
	if _, current, err := r.current(); err != nil {
		return err
	} else if !current {
		if err := r.reopen(); err != nil {
			return err
		}
	}
	n, err := r.file.Write(lines)
	if err != nil && n > 0 {
		return errors.Join(err, r.endTornLine())
	}
	return err
}

// rotateIfLarge rotates when it is time, unless others are writing right now:
// the next write tries again.
func (r *rotating) rotateIfLarge() error {
	info, current, err := r.current()
	if err != nil || !current || info.Size() < r.o.MaxSize {
		return err
	}
	held, err := r.lock.TryLock()
	if err != nil || !held {
		return err
	}
	defer r.lock.Unlock()
	return r.rotate()
}

// current tells whether the path names the file that is open.
func (r *rotating) current() (fs.FileInfo, bool, error) {
	if r.file == nil {
		return nil, false, nil
	}
	held, err := r.file.Stat()
	if err != nil {
		return nil, false, err
	}
	named, err := os.Stat(r.path)
	if errors.Is(err, fs.ErrNotExist) {
		return held, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	return held, os.SameFile(held, named), nil
}

// rotate renames path to path.1 and so on, unless another process just did. The
// oldest goes first, so that readers can tell where they are at any moment.
func (r *rotating) rotate() error {
	if _, current, err := r.current(); err != nil || !current {
		return err
	}
	for i := r.o.Keep; i > 0; i-- {
		if err := os.Rename(older(r.path, i-1), older(r.path, i)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return r.expire()
}

// expire removes older files whose last line is too old.
func (r *rotating) expire() error {
	for i := 1; i <= r.o.Keep; i++ {
		info, err := os.Stat(older(r.path, i))
		if err != nil || time.Since(info.ModTime()) < r.o.MaxAge {
			continue
		}
		if err := os.Remove(older(r.path, i)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// older is the name of the i-th older file, the path itself for 0.
func older(path string, i int) string {
	if i == 0 {
		return path
	}
	return fmt.Sprintf("%s.%d", path, i)
}

func (r *rotating) closeFile() error {
	if r.file == nil {
		return nil
	}
	err := r.file.Close()
	r.file = nil
	return err
}

func (r *rotating) close() error { return errors.Join(r.closeFile(), r.lock.Close()) }
