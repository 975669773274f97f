package apply

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/safehold/safehold/plugins/rfs/backing"
	"github.com/safehold/safehold/plugins/rfs/blocks"
	"github.com/safehold/safehold/plugins/rfs/dirty"
	"github.com/safehold/safehold/plugins/rfs/wire"
)

// call answers a question. What depends on the order of the stream is decided
// here; the long part runs aside.
func (a *Applier) call(h wire.Header, p []byte) error {
	switch h.Type {
	case wire.TypeList:
		l, err := wire.UnmarshalList(p)
		if err != nil {
			return err
		}
		if int(l.Dir) >= len(a.cfg.Roots) {
			return fmt.Errorf("%w: directory %d of %d", wire.ErrFrame, l.Dir, len(a.cfg.Roots))
		}
		a.aside(h, func() ([]byte, error) { return a.list(l) })
	case wire.TypeHash:
		return a.hash(h, p)
	case wire.TypeStable:
		a.aside(h, func() ([]byte, error) { return nil, a.sync() })
	case wire.TypeDelete:
		var d wire.DeletePlan
		if err := wire.Unmarshal(p, &d); err != nil {
			return err
		}
		full := a.full
		a.aside(h, func() ([]byte, error) { return a.judge(d, full) })
	case wire.TypeSyncBegin:
		return a.begin(h, p)
	case wire.TypeSyncEnd:
		return a.end(h, p)
	default:
		return fmt.Errorf("%w: %s is not expected by a secondary", wire.ErrFrame, h.Type)
	}
	return nil
}

// aside runs f on its own goroutine and sends what it gives. An error ends the
// session.
func (a *Applier) aside(h wire.Header, f func() ([]byte, error)) {
	a.calls.Go(func() {
		select {
		case a.limit <- struct{}{}:
			defer func() { <-a.limit }()
		case <-a.ctx.Done():
			return
		}
		b, err := f()
		if err != nil {
			a.session.Fail(fmt.Errorf("answer %s: %w", h.Type, err))
			return
		}
		a.session.Tell(wire.TypeReply, h.Seq, b)
	})
}

func (a *Applier) begin(h wire.Header, p []byte) error {
	var b wire.SyncBegin
	if err := wire.Unmarshal(p, &b); err != nil {
		return err
	}
	a.full = b.Full
	if !b.Rescue {
		a.session.Tell(wire.TypeReply, h.Seq, wire.Marshal(wire.Answer{OK: true}))
		return nil
	}
	a.aside(h, func() ([]byte, error) {
		if err := a.cfg.Rescue(a.ctx); err != nil {
			return wire.Marshal(wire.Answer{Refuse: wire.Refuse{Reason: err.Error()}}), nil
		}
		return wire.Marshal(wire.Answer{OK: true}), nil
	})
	return nil
}

func (a *Applier) end(h wire.Header, p []byte) error {
	var e wire.SyncEnd
	if err := wire.Unmarshal(p, &e); err != nil {
		return err
	}
	if err := a.sync(); err != nil {
		return err
	}
	if err := a.cfg.Ended(e); err != nil {
		return err
	}
	a.synced = true
	a.session.Tell(wire.TypeReply, h.Seq, wire.Marshal(wire.Answer{OK: true}))
	return nil
}

// list describes a directory.
func (a *Applier) list(l wire.List) ([]byte, error) {
	r, out := a.cfg.Roots[l.Dir], &wire.Listing{}
	self, err := a.entry(l.Dir, l.Path, "")
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) || err == nil && self.Attr.Mode&unix.S_IFMT != unix.S_IFDIR {
		out.Missing = true
		return out.Marshal(), nil
	}
	if err != nil {
		return nil, err
	}
	out.Self = self
	names, err := r.Names(l.Path)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", backing.Join(r.Path, l.Path), err)
	}
	for _, n := range names {
		rel := backing.Join(l.Path, n)
		e, err := a.entry(l.Dir, rel, n)
		if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EXDEV) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("stat %s: %w", backing.Join(r.Path, rel), err)
		}
		if a.cfg.Filters[l.Dir].Replicated(rel, e.Attr.Mode&unix.S_IFMT == unix.S_IFDIR) {
			out.Entries = append(out.Entries, e)
		}
	}
	b := out.Marshal()
	if len(b) > wire.MaxPayload {
		return nil, fmt.Errorf("list %s: %d entries do not fit in one frame", backing.Join(r.Path, l.Path), len(names))
	}
	return b, nil
}

func (a *Applier) entry(dir uint16, rel, name string) (wire.Entry, error) {
	e, err := backing.Describe(a.cfg.Roots[dir], rel, name)
	if err != nil {
		return e, err
	}
	if e.Attr.Mode&unix.S_IFMT == unix.S_IFREG {
		for _, x := range a.cfg.Tracker.Ranges(dirty.Key{Dir: dir, Ino: e.Ino}) {
			e.Dirty = append(e.Dirty, wire.Range(x))
		}
	}
	return e, nil
}

// hash digests a bound file aside. Writes that follow in the stream may already
// be seen; they are the same on both sides, so equal digests still mean equal.
func (a *Applier) hash(h wire.Header, p []byte) error {
	q, err := wire.UnmarshalHash(p)
	if err != nil {
		return err
	}
	f := a.files[q.File]
	if f == nil {
		return &DiffersError{fmt.Errorf("digest of file %d, which is not bound", q.File)}
	}
	fd, err := unix.FcntlInt(uintptr(f.fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("duplicate descriptor: %w", err)
	}
	a.aside(h, func() ([]byte, error) {
		defer unix.Close(fd)
		return blocks.Sum(fd, q.Off, q.Len, int(q.Block))
	})
	return nil
}

// The brake: a catch-up that would remove more than half of a tree of more than
// brakeNames names is refused, because the primary's directory is probably not
// the right one.
const brakeNames = 20

func (a *Applier) judge(d wire.DeletePlan, full bool) ([]byte, error) {
	var total, lost int64
	for i, r := range a.cfg.Roots {
		n, err := a.count(uint16(i), r, "")
		if err != nil {
			return nil, err
		}
		total += n
	}
	for _, it := range d.Items {
		if int(it.Dir) >= len(a.cfg.Roots) || wire.CheckPath(string(it.Path)) != nil || len(it.Path) == 0 {
			return nil, fmt.Errorf("%w: delete plan", wire.ErrFrame)
		}
		n, err := a.count(it.Dir, a.cfg.Roots[it.Dir], string(it.Path))
		if err != nil {
			return nil, err
		}
		lost += n + 1
	}
	if !full && total > brakeNames && lost*2 > total {
		return wire.Marshal(wire.Answer{Refuse: wire.Refuse{Reason: fmt.Sprintf(
			"the catch-up would remove %d of %d files and directories of this node: check the primary's directory, then use 'second fullsync'", lost, total)}}), nil
	}
	return wire.Marshal(wire.Answer{OK: true}), nil
}

func (a *Applier) count(dir uint16, r *backing.Root, rel string) (n int64, err error) {
	err = r.Walk(rel, func(rel string, st *unix.Stat_t) (bool, error) {
		if !a.cfg.Filters[dir].Replicated(rel, st.Mode&unix.S_IFMT == unix.S_IFDIR) {
			return false, nil
		}
		n++
		return true, a.ctx.Err()
	})
	return n, err
}
