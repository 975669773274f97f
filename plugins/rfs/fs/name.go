package fs

import (
	"errors"

	"golang.org/x/sys/unix"

	"github.com/safehold/safehold/plugins/rfs/backing"
	"github.com/safehold/safehold/plugins/rfs/fuse"
	"github.com/safehold/safehold/plugins/rfs/peer"
	"github.com/safehold/safehold/plugins/rfs/wire"
)

// caller is who a new file belongs to, and its umask.
type caller struct{ uid, gid, umask uint32 }

// make is the common part of all that makes a new name: it applies do, gives the
// new inode to the caller, and sends the change.
func (f *FS) make(id fuse.NodeID, name string, who caller, c *wire.Change, do func(rel string, mode uint32) error) (fuse.Entry, error) {
	var e fuse.Entry
	err := f.mutate(func() ([]*peer.Ticket, error) {
		f.ns.Lock()
		defer f.ns.Unlock()
		parent, rel, err := f.child(id, name)
		if err != nil {
			return nil, err
		}
		st, err := f.makeLocal(rel, who, c, do)
		if err != nil {
			return nil, err
		}
		n := f.table.enter(parent, name, &st, true)
		e = f.entry(n, &st)
		return f.announce(n, rel, c, &st), nil
	})
	return e, err
}

// makeLocal makes the name and gives it to its owner; it leaves nothing behind
// on error. ns is held.
func (f *FS) makeLocal(rel string, who caller, c *wire.Change, do func(rel string, mode uint32) error) (unix.Stat_t, error) {
	mode, dir, err := f.creationMode(rel, c.Attr.Mode, who.umask)
	if err != nil {
		return unix.Stat_t{}, err
	}
	if err := do(rel, mode); err != nil {
		return unix.Stat_t{}, err
	}
	st, err := f.own(rel, mode, who, dir)
	if err != nil {
		_ = f.root.Remove(rel)
		return st, err
	}
	c.Attr.Mode = mode
	return st, nil
}

// creationMode applies the umask, unless a default ACL of the parent stands in
// for it, and describes the parent.
func (f *FS) creationMode(rel string, mode, umask uint32) (uint32, unix.Stat_t, error) {
	parent, _ := backing.Split(rel)
	o, err := f.root.Object(parent)
	if err != nil {
		return 0, unix.Stat_t{}, err
	}
	defer o.Close()
	dir, err := o.Stat()
	if err != nil {
		return 0, dir, err
	}
	if _, err := o.Getxattr("system.posix_acl_default"); err != nil {
		mode &^= umask & 0o777
	}
	return mode, dir, nil
}

// own gives a new inode to the caller, or to the group of a set-group-id parent.
func (f *FS) own(rel string, mode uint32, who caller, dir unix.Stat_t) (unix.Stat_t, error) {
	o, err := f.root.Object(rel)
	if err != nil {
		return unix.Stat_t{}, err
	}
	defer o.Close()
	gid := who.gid
	if dir.Mode&unix.S_ISGID != 0 {
		gid = dir.Gid
	}
	st, err := o.Stat()
	if err != nil {
		return st, err
	}
	if st.Uid != who.uid || st.Gid != gid {
		if err := o.Chown(int(who.uid), int(gid)); err != nil {
			return st, err
		}
		if special := mode & (unix.S_ISUID | unix.S_ISGID); special != 0 && st.Mode&unix.S_IFMT == unix.S_IFREG {
			if err := o.Chmod(st.Mode&0o777 | mode&0o7000); err != nil {
				return st, err
			}
		}
	}
	return o.Stat()
}

// announce sends a new name. The mode that was asked for travels in Len, the
// resulting attributes in Attr. ns is held.
func (f *FS) announce(n *node, rel string, c *wire.Change, st *unix.Stat_t) []*peer.Ticket {
	if n.typ == unix.S_IFREG {
		n.tracked.Store(contentNone)
	}
	if !f.cfg.Filter.Replicated(rel, n.typ == unix.S_IFDIR) {
		return local()
	}
	if n.typ == unix.S_IFREG {
		f.addFresh(n, freshLimit)
	}
	f.touched(rel, n.typ == unix.S_IFDIR)
	c.Path, c.Len, c.Attr, c.Parent = rel, int64(c.Attr.Mode), backing.WireAttr(st), f.parentTime(rel)
	return f.send(c)
}

// Mkdir makes a directory.
func (f *FS) Mkdir(r fuse.MkdirRequest) {
	c := &wire.Change{Op: wire.OpMkdir, Attr: wire.Attr{Mode: r.Mode & 0o7777}}
	e, err := f.make(r.Node, r.Name, caller{r.UID, r.GID, r.Umask}, c, f.root.Mkdir)
	answer(r.Request, err, func() error { return r.Reply(e) }, func() { f.forgetOne(e.Node) })
}

// Mknod makes a file, device, pipe or socket.
func (f *FS) Mknod(r fuse.MknodRequest) {
	c := &wire.Change{Op: wire.OpMknod, Attr: wire.Attr{Mode: r.Mode}, Rdev: r.Rdev}
	e, err := f.make(r.Node, r.Name, caller{r.UID, r.GID, r.Umask}, c, func(rel string, mode uint32) error {
		return f.root.Mknod(rel, mode, r.Rdev)
	})
	answer(r.Request, err, func() error { return r.Reply(e) }, func() { f.forgetOne(e.Node) })
}

// Symlink makes a symbolic link.
func (f *FS) Symlink(r fuse.SymlinkRequest) {
	c := &wire.Change{Op: wire.OpSymlink, Path2: r.Target}
	e, err := f.make(r.Node, r.Name, caller{r.UID, r.GID, 0}, c, func(rel string, _ uint32) error {
		return f.root.Symlink(rel, r.Target)
	})
	answer(r.Request, err, func() error { return r.Reply(e) }, func() { f.forgetOne(e.Node) })
}

// Create makes and opens a file.
func (f *FS) Create(r fuse.CreateRequest) {
	fd := -1
	c := &wire.Change{Op: wire.OpCreate, Attr: wire.Attr{Mode: r.Mode & 0o7777}}
	e, err := f.make(r.Node, r.Name, caller{r.UID, r.GID, r.Umask}, c, func(rel string, mode uint32) (err error) {
		fd, err = f.root.Create(rel, unix.O_RDWR|unix.O_NOATIME, mode)
		return err
	})
	var h *handle
	switch {
	case err == nil:
		var n *node
		n, err = f.table.get(e.Node)
		if err == nil {
			h = f.newHandle(n, fd, true)
		}
	case errors.Is(err, unix.EEXIST) && r.Flags&unix.O_EXCL == 0:
		if e, err = f.lookup(r.Node, r.Name); err == nil {
			h, err = f.open(e.Node, r.Flags, r.KillSuidgid)
		}
	case fd >= 0:
		unix.Close(fd)
	}
	answer(r.Request, err, func() error { return r.Reply(e, fuse.Opened{Handle: h.id, Flags: f.openFlags(r.Flags)}) },
		func() { f.release(h); f.forgetOne(e.Node) })
}

// Link gives a file another name.
func (f *FS) Link(r fuse.LinkRequest) {
	var e fuse.Entry
	err := f.mutate(func() ([]*peer.Ticket, error) {
		f.ns.Lock()
		defer f.ns.Unlock()
		parent, rel, err := f.child(r.Node, r.Name)
		if err != nil {
			return nil, err
		}
		n, err := f.table.get(r.Target)
		if err != nil {
			return nil, err
		}
		from, ok := f.table.path(n)
		if !ok {
			return nil, unix.ENOENT
		}
		if f.cfg.Filter.Replicated(from, false) != f.cfg.Filter.Replicated(rel, false) {
			return nil, unix.EXDEV
		}
		if err := f.root.Link(from, rel); err != nil {
			return nil, err
		}
		st, err := f.root.Lstat(rel)
		if err != nil {
			return nil, err
		}
		e = f.entry(f.table.enter(parent, r.Name, &st, true), &st)
		if !f.cfg.Filter.Replicated(rel, false) {
			return local(), nil
		}
		f.touched(from, false)
		f.touched(rel, false)
		if w := f.watcher(); w != nil {
			w.Linked(f.cfg.Dir, from, rel)
		}
		return f.send(&wire.Change{Op: wire.OpLink, Path: from, Path2: rel, Parent2: f.parentTime(rel)}), nil
	})
	answer(r.Request, err, func() error { return r.Reply(e) }, func() { f.forgetOne(e.Node) })
}

// Unlink removes a name.
func (f *FS) Unlink(r fuse.UnlinkRequest) {
	_ = r.Reply(f.remove(r.Node, r.Name, wire.OpUnlink, f.root.Unlink))
}

// Rmdir removes an empty directory.
func (f *FS) Rmdir(r fuse.RmdirRequest) {
	_ = r.Reply(f.remove(r.Node, r.Name, wire.OpRmdir, f.root.Rmdir))
}

func (f *FS) remove(id fuse.NodeID, name string, op wire.Op, do func(string) error) error {
	return f.mutate(func() ([]*peer.Ticket, error) {
		f.ns.Lock()
		defer f.ns.Unlock()
		parent, rel, err := f.child(id, name)
		if err != nil {
			return nil, err
		}
		o, err := f.root.Object(rel)
		if err != nil {
			return nil, err
		}
		defer o.Close()
		st, err := o.Stat()
		if err != nil {
			return nil, err
		}
		if err := do(rel); err != nil {
			return nil, err
		}
		f.dropName(parent, name, &st, o)
		if !f.cfg.Filter.Replicated(rel, op == wire.OpRmdir) {
			return local(), nil
		}
		f.touched(rel, false)
		return f.send(&wire.Change{Op: op, Path: rel, Parent: f.parentTime(rel)}), nil
	})
}

// dropName takes a name out of the table after it was removed or replaced; st
// and o are from before.
func (f *FS) dropName(parent *node, name string, st *unix.Stat_t, o backing.Object) {
	last := st.Nlink <= 1 || st.Mode&unix.S_IFMT == unix.S_IFDIR
	n := f.table.child(st.Ino)
	if n == nil {
		if last {
			f.flow.Tracker.Forget(f.keyOf(st.Ino))
		}
		return
	}
	defer f.table.unpin(n)
	f.table.removeLink(n, parent, name, last)
	if !last {
		return
	}
	if fd, err := unix.FcntlInt(uintptr(o.FD), unix.F_DUPFD_CLOEXEC, 0); err == nil {
		f.table.keep(n, fd)
	}
	n.mu.Lock()
	n.gone = true
	n.mu.Unlock()
	f.flow.Tracker.Forget(f.key(n))
	f.dropFresh(n)
}

// Rename moves a name.
func (f *FS) Rename(r fuse.RenameRequest) {
	_ = r.Reply(f.mutate(func() ([]*peer.Ticket, error) {
		f.ns.Lock()
		defer f.ns.Unlock()
		return f.rename(r)
	}))
}

func (f *FS) rename(r fuse.RenameRequest) ([]*peer.Ticket, error) {
	if r.Flags&^(unix.RENAME_NOREPLACE|unix.RENAME_EXCHANGE) != 0 {
		return nil, unix.EINVAL
	}
	op, from, err := f.child(r.Node, r.Name)
	if err != nil {
		return nil, err
	}
	np, to, err := f.child(r.NewParent, r.NewName)
	if err != nil {
		return nil, err
	}
	st, err := f.root.Lstat(from)
	if err != nil {
		return nil, err
	}
	dir := st.Mode&unix.S_IFMT == unix.S_IFDIR
	replicated := f.cfg.Filter.Replicated(from, dir)
	if replicated != f.cfg.Filter.Replicated(to, dir) {
		return nil, unix.EXDEV
	}
	var old *unix.Stat_t
	victim, err := f.root.Object(to)
	if err == nil {
		defer victim.Close()
		was, err := victim.Stat()
		if err != nil {
			return nil, err
		}
		old = &was
	}
	if err := f.root.Rename(from, to, r.Flags); err != nil {
		return nil, err
	}
	exchange := r.Flags&unix.RENAME_EXCHANGE != 0
	f.moveNodes(op, np, r, &st, old, victim, exchange)
	if !replicated {
		return local(), nil
	}
	f.touched(from, dir)
	f.touched(to, dir)
	if w := f.watcher(); w != nil {
		w.Moved(f.cfg.Dir, from, to, exchange)
	}
	return f.send(&wire.Change{Op: wire.OpRename, Path: from, Path2: to, Flags: r.Flags,
		Parent: f.parentTime(from), Parent2: f.parentTime(to)}), nil
}

// moveNodes follows a rename in the table; old and victim are what it replaced, if
// anything.
func (f *FS) moveNodes(op, np *node, r fuse.RenameRequest, st, old *unix.Stat_t, victim backing.Object, exchange bool) {
	if old != nil && old.Ino == st.Ino {
		return // two names of one inode: rename(2) does nothing
	}
	var other *node
	if old != nil && exchange {
		other = f.table.child(old.Ino)
	} else if old != nil {
		f.dropName(np, r.NewName, old, victim)
	}
	if n := f.table.child(st.Ino); n != nil {
		f.table.moveLink(n, op, r.Name, np, r.NewName)
		f.table.unpin(n)
	}
	if other != nil {
		f.table.moveLink(other, np, r.NewName, op, r.Name)
		f.table.unpin(other)
	}
}
