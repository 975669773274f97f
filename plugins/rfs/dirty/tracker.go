package dirty

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/safehold/safehold/plugins/rfs/state"
)

// Tracker is what a node knows about the bytes its peer may lack.
//
//	           Mark, alone            Copied
//	(equal) ---------------> dirty -----------> unstable --> (equal)
//	   \-------------------------------------------^   Round, done
//	           Mark, followed
//
// It is safe for concurrent use.
type Tracker struct {
	Hot  *Hot
	path string

	mu       sync.Mutex // guards everything below
	dirty    *Set       // the peer lacks it
	unstable *Set       // the peer has it, perhaps not on disk
	closing  *Set       // as unstable, and a round that covers it is under way
	block    int
	followed bool // Mark goes to unstable
	changed  bool // dirty differs from what was saved
}

// Open loads the map and the activity log of a state directory. After a crash
// the map holds everything that was hot. damaged tells that the map on disk
// could not be believed: the caller must compare everything.
func Open(dir string, block int) (t *Tracker, damaged bool, err error) {
	t = &Tracker{path: filepath.Join(dir, "dirty.map"), block: block,
		dirty: NewSet(block), unstable: NewSet(block), closing: NewSet(block)}
	b, err := os.ReadFile(t.path)
	switch {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		return nil, false, fmt.Errorf("read dirty map: %w", err)
	default:
		s, err := UnmarshalSet(b, block)
		if err != nil {
			damaged = true
		} else {
			t.dirty = s
		}
	}
	hot, keys, ranges, err := OpenHot(dir)
	if errors.Is(err, ErrCorrupt) {
		damaged = true
		if err := os.Remove(filepath.Join(dir, "hot.log")); err != nil {
			return nil, true, fmt.Errorf("remove damaged activity log: %w", err)
		}
		hot, keys, ranges, err = OpenHot(dir)
	}
	if err != nil {
		return nil, damaged, err
	}
	for i, k := range keys {
		t.dirty.Mark(k, ranges[i].Off, ranges[i].Len)
	}
	t.Hot, t.changed = hot, len(keys) > 0
	return t, damaged, nil
}

// Mark records that [off, off+n) is being written.
func (t *Tracker) Mark(k Key, off, n int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.followed {
		t.unstable.Mark(k, off, n)
		return
	}
	t.dirty.Mark(k, off, n)
	t.changed = true
}

// MarkDirty records that the peer lacks [off, off+n) whether it follows or not.
func (t *Tracker) MarkDirty(k Key, off, n int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.dirty.Mark(k, off, n)
	t.changed = true
}

// Follow says that from here on every write goes to the peer too.
func (t *Tracker) Follow() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.followed = true
}

// Unfollow says that the peer is gone: what was not stable there is dirty.
func (t *Tracker) Unfollow() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.followed = false
	for _, s := range []*Set{t.unstable, t.closing} {
		if !s.Empty() {
			t.dirty.Merge(s)
			t.changed = true
		}
	}
	t.unstable, t.closing = NewSet(t.block), NewSet(t.block)
}

// Copied says that the peer acknowledged a copy of [off, off+n).
func (t *Tracker) Copied(k Key, off, n int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.dirty.Clear(k, off, n)
	t.unstable.Mark(k, off, n)
	t.changed = true
}

// Round opens a round: everything marked before is on the peer's disk once done
// is called. Between writes and Round the caller keeps the order in which the
// peer sees them.
func (t *Tracker) Round() (done func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closing.Merge(t.unstable)
	t.unstable = NewSet(t.block)
	mine := t.closing
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.closing == mine { // else the peer was lost meanwhile
			t.closing = NewSet(t.block)
		}
	}
}

// Quiet tells that nothing waits to become stable.
func (t *Tracker) Quiet() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.unstable.Empty() && t.closing.Empty() && t.Hot.Len() == 0
}

// Forget drops a file that no longer exists.
func (t *Tracker) Forget(k Key) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.dirty.Forget(k)
	t.unstable.Forget(k)
	t.closing.Forget(k)
}

// Ranges gives what the peer lacks of a file.
func (t *Tracker) Ranges(k Key) []Range {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.dirty.Ranges(k)
}

// Bytes is the size of what the peer lacks.
func (t *Tracker) Bytes() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.dirty.Bytes()
}

// Files gives the files of which the peer lacks something.
func (t *Tracker) Files() []Key {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.dirty.Files()
}

// Reset forgets everything: both nodes are equal and stable.
func (t *Tracker) Reset() error {
	t.mu.Lock()
	t.dirty, t.changed = NewSet(t.block), true
	t.mu.Unlock()
	return t.Save()
}

// Save writes what the peer may lack, unstable blocks included, if it changed
// since. It is on disk when Save returns.
func (t *Tracker) Save() error {
	t.mu.Lock()
	if !t.changed {
		t.mu.Unlock()
		return nil
	}
	all := NewSet(t.block)
	all.Merge(t.dirty)
	all.Merge(t.unstable)
	all.Merge(t.closing)
	t.changed = false
	b := all.Marshal()
	t.mu.Unlock()
	if err := state.WriteFile(t.path, b); err != nil {
		t.mu.Lock()
		t.changed = true
		t.mu.Unlock()
		return err
	}
	return nil
}

// Close releases the log.
func (t *Tracker) Close() error { return t.Hot.Close() }
