package resync

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/safehold/safehold/plugins/rfs/backing"
	"github.com/safehold/safehold/plugins/rfs/blocks"
	"github.com/safehold/safehold/plugins/rfs/dirty"
	"github.com/safehold/safehold/plugins/rfs/fs"
	"github.com/safehold/safehold/plugins/rfs/peer"
	"github.com/safehold/safehold/plugins/rfs/wire"
)

// Steps of the work, in bytes: what one question compares, and what one thread
// has on its way.
const (
	compareStep = 4 << 20
	copyStep    = 1 << 20
)

// content copies what differs of every noted file.
func (r *run) content(ctx context.Context) (Result, error) {
	r.mu.Lock()
	list := slices.SortedFunc(maps.Values(r.files), func(a, b *record) int { return cmp.Compare(a.paths0(), b.paths0()) })
	r.mu.Unlock()
	for _, rec := range list {
		r.stats.planned.Add(r.estimate(rec))
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(r.Threads)
	for _, rec := range list {
		if gctx.Err() != nil {
			break
		}
		g.Go(func() error { return r.file(gctx, rec) })
	}
	if err := g.Wait(); err != nil {
		return Result{}, err
	}
	if err := ctx.Err(); err != nil {
		return Result{}, context.Cause(ctx)
	}
	res := Result{Stats: r.stats.snapshot(time.Now())}
	for _, rec := range list {
		if rec.fresh || rec.whole {
			for _, p := range r.where(rec) {
				res.Compared = append(res.Compared, Compared{int(rec.key.Dir), p, rec.key.Ino})
			}
		}
	}
	return res, nil
}

func (rec *record) paths0() string {
	if len(rec.paths) == 0 {
		return ""
	}
	return rec.paths[0]
}

// estimate is how much of a file will be looked at, at most.
func (r *run) estimate(rec *record) int64 {
	if rec.fresh || rec.whole {
		return rec.size
	}
	n := int64(0)
	for _, x := range r.ranges(rec, rec.size) {
		n += x.Len
	}
	return n
}

// ranges gives what may differ of a file, block-aligned, in order, up to size.
func (r *run) ranges(rec *record, size int64) []dirty.Range {
	if rec.fresh || rec.whole {
		return []dirty.Range{{Off: 0, Len: size}}
	}
	mine := r.Flow.Tracker.Ranges(rec.key)
	if r.Whole && len(mine)+len(rec.remote) > 0 {
		return []dirty.Range{{Off: 0, Len: size}}
	}
	both := dirty.NewSet(r.Block)
	for _, x := range slices.Concat(mine, rec.remote) {
		both.Mark(rec.key, x.Off, x.Len)
	}
	var out []dirty.Range
	for _, x := range both.Ranges(rec.key) {
		if x.Off < size {
			out = append(out, dirty.Range{Off: x.Off, Len: min(x.Len, size-x.Off)})
		}
	}
	return out
}

// file copies what differs of one file.
func (r *run) file(ctx context.Context, rec *record) error {
	paths := r.where(rec)
	src, ok, err := r.Dirs[rec.key.Dir].FS.Source(paths, rec.key.Ino)
	if err != nil {
		return fmt.Errorf("copy %s: %w", rec.paths0(), err)
	}
	if !ok {
		return nil // it was removed meanwhile, there too
	}
	name := backing.Join(r.Dirs[rec.key.Dir].Root.Path, rec.paths0())
	r.stats.dir.Store(&name)
	before := r.stats.moved.Load()
	w := &copier{run: r, rec: rec, src: src}
	err = w.all(ctx)
	if cerr := src.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("copy %s: %w", name, err)
	}
	if w.moved {
		r.stats.copied.Add(1)
	}
	if r.Detail {
		r.Log.WithField("path", name).WithField("bytes", r.stats.moved.Load()-before).Info("file compared")
	}
	return nil
}

// copier works on one file.
type copier struct {
	*run
	rec   *record
	src   *fs.Source
	file  uint64
	moved bool
}

func (w *copier) all(ctx context.Context) error {
	size, file, err := w.src.Begin()
	if err != nil || file == 0 {
		return err
	}
	w.file = file
	for _, x := range w.ranges(w.rec, size) {
		if err := w.span(ctx, x.Off, x.Off+x.Len); err != nil {
			return err
		}
	}
	return nil
}

// span handles a range: stretches of holes at once, data step by step.
func (w *copier) span(ctx context.Context, off, end int64) error {
	block := int64(w.Block)
	data, err := blocks.Data(w.src.FD, off, end)
	if err != nil {
		return err
	}
	for at := off; at < end; {
		next := end
		if len(data) > 0 {
			next = max(data[0].Off/block*block, off)
		}
		if next > at {
			if !w.rec.fresh {
				if err := w.copy(ctx, at, next-at); err != nil {
					return err
				}
			}
			w.stats.examined.Add(next - at)
			at = next
			continue
		}
		stop := min((data[0].Off+data[0].Len+block-1)/block*block, end, at+compareStep)
		if err := w.step(ctx, at, stop-at); err != nil {
			return err
		}
		w.stats.examined.Add(stop - at)
		at = stop
		for len(data) > 0 && data[0].Off+data[0].Len <= at {
			data = data[1:]
		}
		if len(data) > 0 && data[0].Off < at {
			data[0].Len -= at - data[0].Off
			data[0].Off = at
		}
	}
	return nil
}

// step compares a range that has data and copies the blocks that differ.
func (w *copier) step(ctx context.Context, off, n int64) error {
	if w.rec.fresh {
		return w.copy(ctx, off, n)
	}
	ctx2, cancel := context.WithTimeoutCause(ctx, w.Timeout, fmt.Errorf("blocks were not compared within %s (reitimeout)", w.Timeout))
	defer cancel()
	call, err := w.Session.Start(wire.TypeHash, wire.Hash{File: w.file, Off: off, Len: n, Block: uint32(w.Block)}.Marshal())
	if err != nil {
		return err
	}
	mine, err := blocks.Sum(w.src.FD, off, n, w.Block)
	if err != nil {
		return err
	}
	theirs, err := w.Session.Answer(ctx2, call)
	if err != nil {
		return err
	}
	if len(theirs) != len(mine) {
		return fmt.Errorf("%w: %d bytes of digests, want %d", wire.ErrFrame, len(theirs), len(mine))
	}
	w.stats.compared.Add(n)
	return w.unequal(ctx, off, n, mine, theirs)
}

// unequal copies runs of blocks whose records differ, and lets the map forget
// the others.
func (w *copier) unequal(ctx context.Context, off, n int64, mine, theirs []byte) error {
	block, count := int64(w.Block), len(mine)/blocks.RecordSize
	same := func(i int) bool {
		a, b := i*blocks.RecordSize, (i+1)*blocks.RecordSize
		return bytes.Equal(mine[a:b], theirs[a:b])
	}
	for i := 0; i < count; {
		j := i
		for j < count && same(j) == same(i) {
			j++
		}
		from, to := off+int64(i)*block, min(off+int64(j)*block, off+n)
		if same(i) {
			w.Flow.Tracker.Copied(w.rec.key, from, to-from)
		} else if err := w.copy(ctx, from, to-from); err != nil {
			return err
		}
		i = j
	}
	return nil
}

// copy sends a range and waits until the peer has it. A hole travels at once,
// whatever its size.
func (w *copier) copy(ctx context.Context, off, n int64) error {
	for end := off + n; off < end; {
		step := min(end-off, copyStep)
		if data, err := blocks.Data(w.src.FD, off, end); err == nil && len(data) == 0 {
			step = end - off
		}
		moved, tickets, err := w.src.Copy(off, step, !w.rec.fresh)
		if err != nil {
			return err
		}
		if err := wait(ctx, w.Session, tickets); err != nil {
			return err
		}
		w.Flow.Tracker.Copied(w.rec.key, off, step)
		w.stats.moved.Add(moved)
		w.moved = true
		if err := w.limit.wait(ctx, moved); err != nil {
			return err
		}
		off += step
	}
	return nil
}

func wait(ctx context.Context, s *peer.Session, tickets []*peer.Ticket) error {
	for _, t := range tickets {
		if t == nil {
			return fmt.Errorf("copy blocks: %w", peer.ErrLost)
		}
		if err := t.Wait(); err != nil {
			return err
		}
	}
	if err := s.Err(); err != nil {
		return err
	}
	return ctx.Err()
}
