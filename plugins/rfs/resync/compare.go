package resync

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/safehold/safehold/plugins/rfs/backing"
	"github.com/safehold/safehold/plugins/rfs/dirty"
	"github.com/safehold/safehold/plugins/rfs/wire"
)

// compare makes one directory of the secondary like this one, without what is
// below its subdirectories, and gives the subdirectories to compare next.
func (r *run) compare(ctx context.Context, d dirKey, deep bool) ([]dirKey, error) {
	dir := r.Dirs[d.dir]
	path := backing.Join(dir.Root.Path, d.rel)
	r.stats.dir.Store(&path)
	b, err := r.ask(ctx, wire.TypeList, wire.List{Dir: d.dir, Path: d.rel}.Marshal(), r.Timeout)
	if err != nil {
		return nil, fmt.Errorf("compare %s: %w", path, err)
	}
	there, err := wire.UnmarshalListing(b)
	if err != nil {
		return nil, fmt.Errorf("compare %s: %w", path, err)
	}
	self, here, err := r.local(d)
	if vanished(err) {
		return nil, nil // its parent was reported as changed, or is compared later
	}
	if err != nil {
		return nil, fmt.Errorf("compare %s: %w", path, err)
	}
	if there.Missing {
		parent, _ := backing.Split(d.rel)
		r.Touched(d.dir, parent)
		r.Touched(d.dir, d.rel)
		return nil, nil
	}
	return r.merge(ctx, d, self, here, there, deep)
}

func vanished(err error) bool { return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) }

// local describes a directory of this node and its replicated entries, by name.
func (r *run) local(d dirKey) (self wire.Entry, list []wire.Entry, err error) {
	dir := r.Dirs[d.dir]
	if self, err = backing.Describe(dir.Root, d.rel, ""); err != nil {
		return self, nil, err
	}
	names, err := dir.Root.Names(d.rel)
	if err != nil {
		return self, nil, err
	}
	for _, n := range names {
		rel := backing.Join(d.rel, n)
		e, err := backing.Describe(dir.Root, rel, n)
		if vanished(err) || errors.Is(err, unix.EXDEV) {
			continue
		}
		if err != nil {
			return self, nil, fmt.Errorf("%s: %w", n, err)
		}
		if dir.Filter.Replicated(rel, isDir(e)) {
			list = append(list, e)
		}
	}
	return self, list, nil
}

func isDir(e wire.Entry) bool { return e.Attr.Mode&unix.S_IFMT == unix.S_IFDIR }

// merge walks two sorted lists of names.
func (r *run) merge(ctx context.Context, d dirKey, self wire.Entry, here []wire.Entry, there *wire.Listing, deep bool) ([]dirKey, error) {
	var next []dirKey
	var gone []string
	fixed := false
	theirs := there.Entries
	for _, e := range here {
		if err := ctx.Err(); err != nil {
			return nil, context.Cause(ctx)
		}
		for len(theirs) > 0 && theirs[0].Name < e.Name {
			gone = append(gone, theirs[0].Name)
			theirs = theirs[1:]
		}
		var t *wire.Entry
		if len(theirs) > 0 && theirs[0].Name == e.Name {
			t, theirs = &theirs[0], theirs[1:]
		}
		r.stats.files.Add(1)
		made, err := r.entry(d, e, t, self.Xattrs|there.Self.Xattrs != 0)
		if err != nil {
			return nil, fmt.Errorf("compare %s: %w", backing.Join(d.rel, e.Name), err)
		}
		fixed = fixed || made
		if isDir(e) && (deep || made) {
			next = append(next, dirKey{d.dir, backing.Join(d.rel, e.Name)})
		}
	}
	for _, t := range theirs {
		gone = append(gone, t.Name)
	}
	r.mu.Lock()
	r.deletes[d] = gone
	r.mu.Unlock()
	if err := r.fixXattrs(d.dir, d.rel, self, &there.Self); err != nil {
		return nil, err
	}
	if fixed || len(gone) > 0 || self.Attr.Mtime != there.Self.Attr.Mtime || !sameOwner(self, there.Self) {
		return next, r.send(&wire.Change{Op: wire.OpSetAttr, Dir: d.dir, Path: d.rel, Flags: ^uint32(0), Attr: self.Attr})
	}
	return next, nil
}

func sameOwner(a, b wire.Entry) bool {
	return a.Attr.Mode == b.Attr.Mode && a.Attr.UID == b.Attr.UID && a.Attr.GID == b.Attr.GID
}

// sameKind tells whether t can be turned into e without replacing it.
func sameKind(e wire.Entry, t *wire.Entry) bool {
	if e.Attr.Mode&unix.S_IFMT != t.Attr.Mode&unix.S_IFMT {
		return false
	}
	switch e.Attr.Mode & unix.S_IFMT {
	case unix.S_IFLNK:
		return e.Target == t.Target
	case unix.S_IFCHR, unix.S_IFBLK:
		return e.Rdev == t.Rdev
	case unix.S_IFREG: // names that are one file there and several here are torn apart
		return e.Nlink > 1 || t.Nlink <= 1
	}
	return true
}

// entry makes one name on the secondary like this one; made tells that it was
// not there as it should be. inherits tells that the directory may give new names
// a default ACL.
func (r *run) entry(d dirKey, e wire.Entry, t *wire.Entry, inherits bool) (made bool, err error) {
	rel := backing.Join(d.rel, e.Name)
	if t != nil && !sameKind(e, t) {
		if err := r.send(&wire.Change{Op: wire.OpRemove, Dir: d.dir, Path: rel}); err != nil {
			return true, err
		}
		t = nil
	}
	regular := e.Attr.Mode&unix.S_IFMT == unix.S_IFREG
	if regular && e.Nlink > 1 && !r.leads(d.dir, rel, e, t) {
		return false, nil // linked to the first name later
	}
	if t == nil {
		if err := r.create(d.dir, rel, e); err != nil {
			return true, err
		}
		if regular {
			r.note(d.dir, rel, e, nil)
		}
		return true, r.setXattrs(d.dir, rel, inherits || e.Xattrs != 0)
	}
	if err := r.fixXattrs(d.dir, rel, e, t); err != nil {
		return false, err
	}
	if regular {
		r.note(d.dir, rel, e, t)
	}
	if isDir(e) || sameOwner(e, *t) && (regular || e.Attr.Mtime == t.Attr.Mtime) {
		return false, nil
	}
	what := ^uint32(0)
	if regular { // its times follow its content
		what = wire.AttrMode | wire.AttrOwner
	}
	return false, r.send(&wire.Change{Op: wire.OpSetAttr, Dir: d.dir, Path: rel, Flags: what, Attr: e.Attr})
}

// leads tells whether rel is the first name found of a file with several, whose
// content is compared; it remembers the others.
func (r *run) leads(dir uint16, rel string, e wire.Entry, t *wire.Entry) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	rec := r.record(dirty.Key{Dir: dir, Ino: e.Ino}, rel)
	if rec.linked == nil {
		rec.linked = map[string]uint64{}
	}
	first := len(rec.linked) == 0
	rec.linked[rel] = 0
	if t != nil {
		rec.linked[rel] = t.Ino
	}
	if first && rec.paths[0] != rel { // it is known under another name by what was written
		i := slices.Index(rec.paths, rel)
		rec.paths[0], rec.paths[i] = rec.paths[i], rec.paths[0]
	}
	return rec.paths[0] == rel
}

// record gives the record of a file under one more path. mu is held.
func (r *run) record(k dirty.Key, rel string) *record {
	rec := r.files[k]
	if rec == nil {
		rec = &record{key: k}
		r.files[k] = rec
	}
	if !slices.Contains(rec.paths, rel) {
		rec.paths = append(rec.paths, rel)
	}
	return rec
}

func (r *run) create(dir uint16, rel string, e wire.Entry) error {
	c := &wire.Change{Dir: dir, Path: rel, Attr: e.Attr, Len: int64(e.Attr.Mode & 0o7777), Rdev: e.Rdev}
	switch e.Attr.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		c.Op = wire.OpCreate
	case unix.S_IFDIR:
		c.Op = wire.OpMkdir
	case unix.S_IFLNK:
		c.Op, c.Path2 = wire.OpSymlink, e.Target
	default:
		c.Op, c.Len = wire.OpMknod, int64(e.Attr.Mode)
	}
	return r.send(c)
}

// fixXattrs sends all extended attributes when they differ.
func (r *run) fixXattrs(dir uint16, rel string, e wire.Entry, t *wire.Entry) error {
	return r.setXattrs(dir, rel, t.Xattrs != e.Xattrs)
}

// setXattrs sends all extended attributes, if any is to be sent.
func (r *run) setXattrs(dir uint16, rel string, needed bool) error {
	if !needed {
		return nil
	}
	o, err := r.Dirs[dir].Root.Object(rel)
	if vanished(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer o.Close()
	packed, _, err := o.PackXattrs()
	if err != nil {
		return err
	}
	return r.send(&wire.Change{Op: wire.OpXattrs, Dir: dir, Path: rel, Value: packed})
}

// note decides whether and how the content of a file must be looked at.
func (r *run) note(dir uint16, rel string, e wire.Entry, t *wire.Entry) {
	k := dirty.Key{Dir: dir, Ino: e.Ino}
	fresh, whole := t == nil, false
	var remote []dirty.Range
	if t != nil {
		for _, x := range t.Dirty {
			remote = append(remote, dirty.Range(x))
		}
		whole = r.wholly(k, e, t)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !fresh && !whole && len(remote) == 0 && e.Nlink < 2 && r.files[k] == nil && len(r.Flow.Tracker.Ranges(k)) == 0 {
		return
	}
	rec := r.record(k, rel)
	rec.fresh = rec.fresh || fresh
	rec.whole = rec.whole || whole
	rec.remote = append(rec.remote, remote...)
	rec.size = e.Size
}

// wholly tells whether all of a file must be compared.
func (r *run) wholly(k dirty.Key, e wire.Entry, t *wire.Entry) bool {
	if r.Begin.Full {
		return true
	}
	unlike := e.Size != t.Size || e.Attr.Mtime != t.Attr.Mtime
	if r.Begin.Mode == ModeDate {
		mtime := time.Unix(e.Attr.Mtime.Sec, int64(e.Attr.Mtime.Nsec))
		return mtime.After(r.Since) || e.Size != t.Size
	}
	if !r.Begin.Trusted || e.ID.IsZero() || e.ID != t.ID {
		return true
	}
	explained := len(t.Dirty) > 0 || len(r.Flow.Tracker.Ranges(k)) > 0
	return unlike && !explained
}

// The modes as they are told to people (api.SyncStats).
const (
	ModeDefault = "default"
	ModeFull    = "full"
	ModeDate    = "date"
)
