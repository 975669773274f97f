package resync

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/sirupsen/logrus"
	"golang.org/x/sync/errgroup"

	"github.com/safehold/safehold/plugins/rfs/backing"
	"github.com/safehold/safehold/plugins/rfs/dirty"
	"github.com/safehold/safehold/plugins/rfs/flow"
	"github.com/safehold/safehold/plugins/rfs/fs"
	"github.com/safehold/safehold/plugins/rfs/peer"
	"github.com/safehold/safehold/plugins/rfs/wire"
)

// Dir is one replicated directory.
type Dir struct {
	Root   *backing.Root
	Filter *backing.Filter
	FS     *fs.FS
}

// Config of one resynchronisation.
type Config struct {
	Session *peer.Session
	Flow    *flow.Flow
	Dirs    []Dir
	Begin   wire.SyncBegin
	Since   time.Time // of mode date
	Whole   bool      // changed files travel without comparison of blocks
	Threads int
	Rate    int64 // bytes/s, 0: no limit
	Block   int
	Timeout time.Duration // of one question
	// Progress hears how far it is, twice a second.
	Progress func(wire.Stats)
	Log      logrus.FieldLogger
	Detail   bool
}

// RefusedError says that the secondary does not want to be brought up to date.
type RefusedError struct{ wire.Refuse }

func (e *RefusedError) Error() string { return e.Reason }

// Result is what a successful run leaves for its end.
type Result struct {
	Stats wire.Stats
	// Compared are the files that were compared whole: their content may get an
	// identity.
	Compared []Compared
}

// Compared is one file.
type Compared struct {
	Dir  int
	Path string
	Ino  uint64
}

type dirKey struct {
	dir uint16
	rel string
}

// run is one resynchronisation. It is the watcher of the file systems.
type run struct {
	Config
	stats *meter
	limit *limiter

	mu      sync.Mutex // guards everything below
	changed map[dirKey]struct{}
	deletes map[dirKey][]string
	files   map[dirty.Key]*record
	events  []event
}

// record is a file whose content may have to be copied, or that has several names.
type record struct {
	key    dirty.Key
	paths  []string
	linked map[string]uint64 // path -> inode on the secondary, 0: not there yet; of files with several names
	fresh  bool              // the secondary's copy was made empty by this run
	whole  bool
	size   int64
	remote []dirty.Range // the secondary's own dirty map
}

// event is a change of names after the secondary began to follow.
type event struct {
	dir      uint16
	from, to string
	link     bool
	exchange bool
}

// Run brings the secondary up to date. When it returns without an error, every
// modification goes to the secondary, and all before is there, perhaps not yet on
// its disk. On error the flow may be left with the session; losing the session
// undoes that.
func Run(ctx context.Context, cfg Config) (Result, error) {
	r := &run{Config: cfg, stats: newMeter(cfg.Begin.Mode), limit: newLimiter(cfg.Rate), changed: map[dirKey]struct{}{},
		deletes: map[dirKey][]string{}, files: map[dirty.Key]*record{}}
	if err := r.answer(ctx, wire.TypeSyncBegin, wire.Marshal(cfg.Begin), 0); err != nil {
		return Result{}, fmt.Errorf("begin the catch-up: %w", err)
	}
	r.watch(r)
	defer r.watch(nil)
	reports, stop := context.WithCancel(ctx)
	defer stop()
	go r.report(reports)
	if err := r.names(ctx); err != nil {
		return Result{}, err
	}
	return r.content(ctx)
}

func (r *run) watch(w fs.Watcher) {
	r.Flow.Lock()
	defer r.Flow.Unlock()
	for _, d := range r.Dirs {
		d.FS.Watch(w)
	}
}

// report sends the progress until ctx ends.
func (r *run) report(ctx context.Context) {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		s := r.stats.snapshot(time.Now())
		r.Progress(s)
		r.Session.Tell(wire.TypeStats, 0, wire.Marshal(s))
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// answer makes a call whose answer may be a refusal. A zero timeout leaves the
// deadline to the session's keepalive.
func (r *run) answer(ctx context.Context, t wire.Type, body []byte, timeout time.Duration) error {
	b, err := r.ask(ctx, t, body, timeout)
	if err != nil {
		return err
	}
	var a wire.Answer
	if err := wire.Unmarshal(b, &a); err != nil {
		return err
	}
	if !a.OK {
		return &RefusedError{a.Refuse}
	}
	return nil
}

func (r *run) ask(ctx context.Context, t wire.Type, body []byte, timeout time.Duration) ([]byte, error) {
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, timeout, fmt.Errorf("%s was not answered within %s (reitimeout)", t, timeout))
		defer cancel()
	}
	return r.Session.Call(ctx, t, body)
}

func (r *run) send(c *wire.Change) error {
	_, err := r.Session.Send(wire.TypeChange, c.Marshal(), nil)
	return err
}

// names makes the secondary's tree like this one and lets it follow.
func (r *run) names(ctx context.Context) error {
	var roots []dirKey
	for i := range r.Dirs {
		roots = append(roots, dirKey{uint16(i), ""})
	}
	if err := r.walk(ctx, roots, true); err != nil {
		return err
	}
	if err := r.remove(ctx, true); err != nil {
		return err
	}
	const few, rounds = 16, 8
	for range rounds {
		list := r.takeChanged()
		if len(list) <= few {
			r.putBack(list)
			break
		}
		if err := r.walk(ctx, list, false); err != nil {
			return err
		}
		if err := r.remove(ctx, false); err != nil {
			return err
		}
	}
	r.Flow.Lock()
	defer r.Flow.Unlock()
	if err := r.walk(ctx, r.takeChanged(), false); err != nil {
		return err
	}
	if err := r.remove(ctx, false); err != nil {
		return err
	}
	if err := r.links(); err != nil {
		return err
	}
	if left := r.takeChanged(); len(left) > 0 {
		return fmt.Errorf("compare directories: %s changed while modifications were held", left[0].rel)
	}
	r.Flow.SetSession(r.Session)
	return nil
}

func (r *run) takeChanged() []dirKey {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := sortedDirs(r.changed)
	r.changed = map[dirKey]struct{}{}
	return list
}

func (r *run) putBack(list []dirKey) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, d := range list {
		r.changed[d] = struct{}{}
	}
}

// walk compares directories, their subtrees too when deep or new, with several
// threads.
func (r *run) walk(ctx context.Context, list []dirKey, deep bool) error {
	g, gctx := errgroup.WithContext(ctx)
	q := newQueue(list)
	for range r.Threads {
		g.Go(func() error {
			for {
				d, ok := q.next(gctx)
				if !ok {
					return nil
				}
				more, err := r.compare(gctx, d, deep)
				q.done(more, err)
				if err != nil {
					return err
				}
			}
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}
