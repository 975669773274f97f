package fs

import (
	"errors"

	"golang.org/x/sys/unix"

	"github.com/safehold/safehold/plugins/rfs/backing"
	"github.com/safehold/safehold/plugins/rfs/fuse"
	"github.com/safehold/safehold/plugins/rfs/peer"
	"github.com/safehold/safehold/plugins/rfs/wire"
)

// Lookup finds a name.
func (f *FS) Lookup(r fuse.LookupRequest) {
	if r.Node == fuse.RootID && r.Name == pollName {
		_ = r.Reply(pollEntry())
		return
	}
	e, err := f.lookup(r.Node, r.Name)
	if errors.Is(err, unix.ENOENT) && f.valid > 0 {
		_ = r.Reply(fuse.Entry{EntryValid: f.valid})
		return
	}
	answer(r.Request, err, func() error { return r.Reply(e) }, func() { f.forgetOne(e.Node) })
}

// answer replies with ok, or with err. undo takes back what the reply gave away
// when the kernel no longer wanted it.
func answer(r fuse.Request, err error, ok func() error, undo func()) {
	if err != nil {
		_ = r.ReplyError(err)
		return
	}
	if err := ok(); errors.Is(err, fuse.ErrGone) && undo != nil {
		undo()
	}
}

func (f *FS) forgetOne(id fuse.NodeID) { f.table.forget([]fuse.Forgotten{{Node: id, Count: 1}}) }

func (f *FS) lookup(id fuse.NodeID, name string) (fuse.Entry, error) {
	f.ns.RLock()
	defer f.ns.RUnlock()
	parent, rel, err := f.child(id, name)
	if err != nil {
		return fuse.Entry{}, err
	}
	st, err := f.root.Lstat(rel)
	if err != nil {
		return fuse.Entry{}, err
	}
	return f.entry(f.table.enter(parent, name, &st, true), &st), nil
}

// child gives a directory's node and the path of a name in it. ns is held.
func (f *FS) child(id fuse.NodeID, name string) (*node, string, error) {
	parent, err := f.table.get(id)
	if err != nil {
		return nil, "", err
	}
	dir, ok := f.table.path(parent)
	if !ok {
		return nil, "", unix.ENOENT
	}
	return parent, backing.Join(dir, name), nil
}

// Forget lowers lookup counts.
func (f *FS) Forget(list []fuse.Forgotten) { f.table.forget(list) }

// Getattr describes a node.
func (f *FS) Getattr(r fuse.GetattrRequest) {
	if r.Node == pollNode {
		_ = r.Reply(pollAttr(), 0)
		return
	}
	st, err := f.stat(r)
	answer(r.Request, err, func() error { return r.Reply(fuse.AttrFromStat(&st), f.valid) }, nil)
}

func (f *FS) stat(r fuse.GetattrRequest) (unix.Stat_t, error) {
	if r.HasHandle {
		if h, err := f.handle(r.Handle); err == nil {
			return backing.Object{FD: h.fd}.Stat()
		}
	}
	n, err := f.table.get(r.Node)
	if err != nil {
		return unix.Stat_t{}, err
	}
	f.ns.RLock()
	defer f.ns.RUnlock()
	o, _, _, err := f.object(n)
	if err != nil {
		return unix.Stat_t{}, err
	}
	defer o.Close()
	return o.Stat()
}

// Readlink reads a symbolic link.
func (f *FS) Readlink(r fuse.ReadlinkRequest) {
	f.ns.RLock()
	defer f.ns.RUnlock()
	n, err := f.table.get(r.Node)
	if err != nil {
		_ = r.ReplyError(err)
		return
	}
	rel, ok := f.table.path(n)
	if !ok {
		_ = r.ReplyError(unix.ENOENT)
		return
	}
	target, err := f.root.Readlink(rel)
	answer(r.Request, err, func() error { return r.Reply(target) }, nil)
}

// Setattr changes attributes, the size among them.
func (f *FS) Setattr(r fuse.SetattrRequest) {
	n, err := f.table.get(r.Node)
	var st unix.Stat_t
	if err == nil {
		if r.Has(fuse.SetSize) {
			err = f.resize(n, r, &st)
		} else {
			err = f.mutate(func() ([]*peer.Ticket, error) { return f.setattr(n, r, &st) })
		}
	}
	answer(r.Request, err, func() error { return r.Reply(fuse.AttrFromStat(&st), f.valid) }, nil)
}

// resize is a Setattr that changes the size: what is cut off or grows is marked first.
func (f *FS) resize(n *node, r fuse.SetattrRequest, st *unix.Stat_t) error {
	size := int64(r.Size)
	if size < 0 {
		return unix.EFBIG
	}
	old, err := f.learn(n)
	if err != nil {
		return err
	}
	return f.modify(n, min(size, old.Size), max(size, old.Size)-min(size, old.Size), func() ([]*peer.Ticket, error) {
		return f.setattr(n, r, st)
	})
}

// learn describes a file and finds out whether its changes are tracked.
func (f *FS) learn(n *node) (unix.Stat_t, error) {
	f.ns.RLock()
	defer f.ns.RUnlock()
	o, _, _, err := f.object(n)
	if err != nil {
		return unix.Stat_t{}, err
	}
	defer o.Close()
	f.learnContent(n, o.FD)
	return o.Stat()
}

// setattr applies and sends a Setattr. The flow's order is held.
func (f *FS) setattr(n *node, r fuse.SetattrRequest, st *unix.Stat_t) ([]*peer.Ticket, error) {
	f.ns.RLock()
	defer f.ns.RUnlock()
	n.mu.Lock()
	defer n.mu.Unlock()
	o, rel, named, err := f.object(n)
	if err != nil {
		return nil, err
	}
	defer o.Close()
	var tickets []*peer.Ticket
	file := uint64(0)
	if n.typ == unix.S_IFREG {
		file = f.bind(n)
	}
	reaches := file != 0 || named && f.cfg.Filter.Replicated(rel, n.typ == unix.S_IFDIR)
	if r.Has(fuse.SetSize) {
		if err := o.Truncate(int64(r.Size)); err != nil {
			return nil, err
		}
		if file != 0 {
			tickets = append(tickets, f.send(&wire.Change{Op: wire.OpTruncate, File: file, Off: int64(r.Size)})...)
		}
	}
	what, err := applyAttr(o, r)
	if serr := statInto(o, st); err == nil {
		err = serr
	}
	if reaches {
		c := &wire.Change{Op: wire.OpSetAttr, File: file, Path: rel, Flags: what, Attr: backing.WireAttr(st)}
		if file != 0 {
			c.Path = ""
		}
		tickets = append(tickets, f.send(c)...)
		f.touched(rel, n.typ == unix.S_IFDIR)
	}
	return tickets, err
}

func statInto(o backing.Object, st *unix.Stat_t) (err error) {
	*st, err = o.Stat()
	return err
}

// applyAttr does the parts of a Setattr beside the size and tells which parts of
// the attributes may have changed.
func applyAttr(o backing.Object, r fuse.SetattrRequest) (uint32, error) {
	var what uint32
	if r.Has(fuse.SetSize) {
		what |= wire.AttrMtime
	}
	if r.Valid&(fuse.SetUID|fuse.SetGID) != 0 {
		what |= wire.AttrOwner | wire.AttrMode
		uid, gid := -1, -1
		if r.Has(fuse.SetUID) {
			uid = int(r.UID)
		}
		if r.Has(fuse.SetGID) {
			gid = int(r.GID)
		}
		if err := o.Chown(uid, gid); err != nil {
			return what, err
		}
	}
	if r.KillSuidgid && !r.Has(fuse.SetMode) {
		what |= wire.AttrMode
		if err := killSuidgid(o); err != nil {
			return what, err
		}
	}
	if r.Has(fuse.SetMode) {
		what |= wire.AttrMode
		if err := o.Chmod(r.Mode); err != nil {
			return what, err
		}
	}
	at := timeToSet(r, fuse.SetAtime, fuse.SetAtimeNow, r.Atime)
	mt := timeToSet(r, fuse.SetMtime, fuse.SetMtimeNow, r.Mtime)
	if at.Nsec == unix.UTIME_OMIT && mt.Nsec == unix.UTIME_OMIT {
		return what, nil
	}
	if at.Nsec != unix.UTIME_OMIT {
		what |= wire.AttrAtime
	}
	if mt.Nsec != unix.UTIME_OMIT {
		what |= wire.AttrMtime
	}
	return what, o.Utimes(at, mt)
}

func timeToSet(r fuse.SetattrRequest, set, now fuse.SetattrMask, t unix.Timespec) unix.Timespec {
	switch {
	case r.Has(now):
		return unix.Timespec{Nsec: unix.UTIME_NOW}
	case r.Has(set):
		return t
	}
	return unix.Timespec{Nsec: unix.UTIME_OMIT}
}

// killSuidgid drops the bits that write(2) of an unprivileged user drops.
func killSuidgid(o backing.Object) error {
	st, err := o.Stat()
	if err != nil {
		return err
	}
	mode := st.Mode &^ unix.S_ISUID
	if mode&unix.S_IXGRP != 0 {
		mode &^= unix.S_ISGID
	}
	if mode == st.Mode || st.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil
	}
	return o.Chmod(mode)
}
