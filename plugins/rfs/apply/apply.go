package apply

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/safehold/safehold/plugins/rfs/backing"
	"github.com/safehold/safehold/plugins/rfs/blocks"
	"github.com/safehold/safehold/plugins/rfs/dirty"
	"github.com/safehold/safehold/plugins/rfs/peer"
	"github.com/safehold/safehold/plugins/rfs/wire"
)

// Config of an applier.
type Config struct {
	Roots    []*backing.Root
	Filters  []*backing.Filter
	Tracker  *dirty.Tracker
	StateDir string
	Durable  bool // acknowledge after the disk
	// Began runs before the first byte is changed by a catch-up.
	Began func() error
	// Rescue keeps what this node wrote apart.
	Rescue func(ctx context.Context) error
	// Ended makes durable that the catch-up is complete.
	Ended func(wire.SyncEnd) error
	// Progress hears how far the catch-up is.
	Progress func(wire.Stats)
}

// DiffersError says that the trees were not equal where they had to be.
type DiffersError struct{ Err error }

func (e *DiffersError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *DiffersError) Unwrap() error { return e.Err }

// Applier is the state of one session.
type Applier struct {
	cfg     Config
	session *peer.Session
	ctx     context.Context
	cancel  context.CancelFunc
	calls   sync.WaitGroup
	limit   chan struct{}

	// Used by the reading goroutine only:
	files  map[uint64]*boundFile
	began  bool
	synced bool // the catch-up is over
	full   bool // it may remove most of the tree
	wrote  map[uint64]struct{}
	names  bool // names changed since the last Commit
}

type boundFile struct {
	dir uint16
	fd  int
}

// New makes an applier; Attach gives it its session.
func New(cfg Config) *Applier {
	ctx, cancel := context.WithCancel(context.Background())
	return &Applier{cfg: cfg, ctx: ctx, cancel: cancel, limit: make(chan struct{}, 4), files: map[uint64]*boundFile{}, wrote: map[uint64]struct{}{}}
}

// Attach sets where answers go, before the session runs.
func (a *Applier) Attach(s *peer.Session) { a.session = s }

// Close waits for what runs and closes files. The session has ended.
func (a *Applier) Close() {
	a.cancel()
	a.calls.Wait()
	for _, f := range a.files {
		unix.Close(f.fd)
	}
	a.files = nil
}

// Frame handles one frame; see peer.Options.
func (a *Applier) Frame(h wire.Header, p []byte) error {
	switch h.Type {
	case wire.TypeWrite:
		return a.write(p)
	case wire.TypeChange:
		c, err := wire.UnmarshalChange(p)
		if err != nil {
			return err
		}
		return a.change(c)
	case wire.TypeStats:
		var s wire.Stats
		if err := wire.Unmarshal(p, &s); err != nil {
			return err
		}
		a.cfg.Progress(s)
		return nil
	case wire.TypeTune:
		var t wire.Tune
		if err := wire.Unmarshal(p, &t); err != nil {
			return err
		}
		a.cfg.Durable = t.Durable
		return nil
	}
	return a.call(h, p)
}

// Commit runs before an acknowledgement; see peer.Options.
func (a *Applier) Commit() error {
	if !a.cfg.Durable {
		return nil
	}
	defer func() {
		clear(a.wrote)
		a.names = false
	}()
	if a.names {
		return a.sync()
	}
	for id := range a.wrote {
		if f := a.files[id]; f != nil {
			if err := unix.Fdatasync(f.fd); err != nil {
				return fmt.Errorf("synchronise a replicated file: %w", err)
			}
		}
	}
	return nil
}

func (a *Applier) sync() error {
	for _, r := range a.cfg.Roots {
		if err := r.Sync(); err != nil {
			return err
		}
	}
	return nil
}

// modifies runs before anything is changed.
func (a *Applier) modifies() error {
	if a.began || a.synced {
		return nil
	}
	if err := a.cfg.Began(); err != nil {
		return err
	}
	a.began = true
	return nil
}

func (a *Applier) write(p []byte) error {
	id, off, data, err := wire.UnmarshalWrite(p)
	if err != nil {
		return err
	}
	f := a.files[id]
	if f == nil {
		return &DiffersError{fmt.Errorf("write to file %d, which is not bound", id)}
	}
	if err := a.modifies(); err != nil {
		return err
	}
	if err := blocks.WriteAt(f.fd, data, off); err != nil {
		return fmt.Errorf("apply a write in %s: %w", a.cfg.Roots[f.dir].Path, err)
	}
	if a.cfg.Durable {
		a.wrote[id] = struct{}{}
	}
	return nil
}

func (a *Applier) change(c *wire.Change) error {
	if int(c.Dir) >= len(a.cfg.Roots) {
		return fmt.Errorf("%w: directory %d of %d", wire.ErrFrame, c.Dir, len(a.cfg.Roots))
	}
	switch c.Op {
	case wire.OpBind:
		return a.bind(c)
	case wire.OpUnbind:
		return a.unbind(c.File)
	}
	if err := a.modifies(); err != nil {
		return err
	}
	a.names = true
	err := a.do(c)
	if err == nil {
		return nil
	}
	err = fmt.Errorf("apply %s of %s: %w", c.Op, backing.Join(a.cfg.Roots[c.Dir].Path, c.Path), err)
	if differs(err) {
		return &DiffersError{err}
	}
	return err
}

// differs tells errors of a tree that is not what it should be from those of a
// disk that fails.
func differs(err error) bool {
	for _, e := range []error{unix.ENOENT, unix.EEXIST, unix.ENOTDIR, unix.EISDIR, unix.ENOTEMPTY, unix.ENODATA, unix.EXDEV, unix.EINVAL, unix.EBADF} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

func (a *Applier) bind(c *wire.Change) error {
	if c.File == 0 || len(a.files) >= 1<<19 {
		return fmt.Errorf("%w: bind of file %d, %d are bound", wire.ErrFrame, c.File, len(a.files))
	}
	if old := a.files[c.File]; old != nil {
		unix.Close(old.fd)
		delete(a.files, c.File)
	}
	fd, err := a.cfg.Roots[c.Dir].Open(c.Path, unix.O_RDWR|unix.O_NOFOLLOW|unix.O_NOATIME|unix.O_NONBLOCK, 0)
	if err != nil {
		return &DiffersError{fmt.Errorf("open %s: %w", backing.Join(a.cfg.Roots[c.Dir].Path, c.Path), err)}
	}
	a.files[c.File] = &boundFile{c.Dir, fd}
	return nil
}

func (a *Applier) unbind(id uint64) error {
	f := a.files[id]
	if f == nil {
		return nil
	}
	if a.cfg.Durable {
		if _, ok := a.wrote[id]; ok {
			if err := unix.Fdatasync(f.fd); err != nil {
				return fmt.Errorf("synchronise a replicated file: %w", err)
			}
		}
	}
	delete(a.files, id)
	return unix.Close(f.fd)
}
