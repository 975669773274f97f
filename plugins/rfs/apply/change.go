package apply

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/safehold/safehold/plugins/rfs/backing"
	"github.com/safehold/safehold/plugins/rfs/dirty"
	"github.com/safehold/safehold/plugins/rfs/wire"
)

// do applies one change of names, attributes or extents.
func (a *Applier) do(c *wire.Change) error {
	r := a.cfg.Roots[c.Dir]
	mode := uint32(c.Len)
	var err error
	switch c.Op {
	case wire.OpCreate:
		var fd int
		if fd, err = r.Create(c.Path, unix.O_WRONLY, mode); err == nil {
			unix.Close(fd)
			err = a.imposeNew(r, c)
		}
	case wire.OpMkdir:
		if err = r.Mkdir(c.Path, mode); err == nil {
			err = a.imposeNew(r, c)
		}
	case wire.OpMknod:
		if err = r.Mknod(c.Path, mode, c.Rdev); err == nil {
			err = a.imposeNew(r, c)
		}
	case wire.OpSymlink:
		if err = r.Symlink(c.Path, c.Path2); err == nil {
			err = a.imposeNew(r, c)
		}
	case wire.OpLink:
		if c.Flags&1 != 0 {
			err = r.Remove(c.Path2)
		}
		if err == nil {
			err = r.Link(c.Path, c.Path2)
		}
	case wire.OpUnlink:
		a.forget(r, c.Dir, c.Path)
		err = r.Unlink(c.Path)
	case wire.OpRmdir:
		err = r.Rmdir(c.Path)
	case wire.OpRename:
		if c.Flags == 0 {
			a.forget(r, c.Dir, c.Path2)
		}
		err = r.Rename(c.Path, c.Path2, c.Flags)
	case wire.OpRemove:
		err = r.Remove(c.Path)
	default:
		err = a.object(c, func(o backing.Object) error { return change(o, c) })
	}
	if err != nil {
		return err
	}
	return a.parents(r, c)
}

// change applies what concerns one inode.
func change(o backing.Object, c *wire.Change) error {
	switch c.Op {
	case wire.OpSetAttr:
		return o.Impose(c.Attr, c.Flags)
	case wire.OpSetXattr:
		if backing.Own(c.Name) {
			return unix.EPERM
		}
		if err := o.Setxattr(c.Name, c.Value, 0); err != nil {
			return err
		}
		return o.Impose(c.Attr, c.Flags)
	case wire.OpRemoveXattr:
		if backing.Own(c.Name) {
			return unix.EPERM
		}
		if err := o.Removexattr(c.Name); err != nil {
			return err
		}
		return o.Impose(c.Attr, c.Flags)
	case wire.OpXattrs:
		m, err := backing.UnpackXattrs(c.Value)
		if err != nil {
			return err
		}
		return o.ReplaceXattrs(m)
	case wire.OpTruncate:
		return o.Truncate(c.Off)
	case wire.OpFallocate:
		return unix.Fallocate(o.FD, c.Flags, c.Off, c.Len)
	case wire.OpSetID:
		return o.SetContentID(c.ID)
	}
	return fmt.Errorf("%w: operation %s", wire.ErrFrame, c.Op)
}

// object calls f with the bound file, or with what Path names.
func (a *Applier) object(c *wire.Change, f func(backing.Object) error) error {
	if c.File != 0 {
		b := a.files[c.File]
		if b == nil {
			return unix.EBADF
		}
		if a.cfg.Durable {
			a.wrote[c.File] = struct{}{}
		}
		return f(backing.Object{FD: b.fd})
	}
	o, err := a.cfg.Roots[c.Dir].Object(c.Path)
	if err != nil {
		return err
	}
	defer o.Close()
	return f(o)
}

func (a *Applier) imposeNew(r *backing.Root, c *wire.Change) error {
	o, err := r.Object(c.Path)
	if err != nil {
		return err
	}
	defer o.Close()
	return o.Impose(c.Attr, ^uint32(0))
}

// parents gives the directories the times they have on the primary.
func (a *Applier) parents(r *backing.Root, c *wire.Change) error {
	for _, p := range []struct {
		rel string
		t   wire.Time
	}{{c.Path, c.Parent}, {c.Path2, c.Parent2}} {
		if p.t.IsZero() {
			continue
		}
		parent, _ := backing.Split(p.rel)
		o, err := r.Object(parent)
		if err != nil {
			return err
		}
		err = o.SetMtime(p.t)
		o.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// forget drops what this node's own map says of a file that loses its last name.
func (a *Applier) forget(r *backing.Root, dir uint16, rel string) {
	if st, err := r.Lstat(rel); err == nil && st.Nlink <= 1 {
		a.cfg.Tracker.Forget(dirty.Key{Dir: dir, Ino: st.Ino})
	}
}
