package fs

import (
	"golang.org/x/sys/unix"

	"github.com/safehold/safehold/plugins/rfs/backing"
	"github.com/safehold/safehold/plugins/rfs/fuse"
	"github.com/safehold/safehold/plugins/rfs/peer"
	"github.com/safehold/safehold/plugins/rfs/wire"
)

// Getxattr reads an extended attribute.
func (f *FS) Getxattr(r fuse.GetxattrRequest) {
	var v []byte
	err := f.look(r.Node, func(o backing.Object) (err error) {
		if backing.Own(r.Name) {
			return unix.ENODATA
		}
		v, err = o.Getxattr(r.Name)
		return err
	})
	answer(r.Request, err, func() error { return r.Reply(v) }, nil)
}

// Listxattr names the extended attributes.
func (f *FS) Listxattr(r fuse.ListxattrRequest) {
	var list []byte
	err := f.look(r.Node, func(o backing.Object) error {
		names, err := o.Listxattr()
		for _, n := range names {
			list = append(append(list, n...), 0)
		}
		return err
	})
	answer(r.Request, err, func() error { return r.Reply(list) }, nil)
}

// look calls do with the inode behind a node.
func (f *FS) look(id fuse.NodeID, do func(backing.Object) error) error {
	n, err := f.table.get(id)
	if err != nil {
		return err
	}
	f.ns.RLock()
	defer f.ns.RUnlock()
	o, _, _, err := f.object(n)
	if err != nil {
		return err
	}
	defer o.Close()
	return do(o)
}

// Setxattr sets an extended attribute, an ACL among them.
func (f *FS) Setxattr(r fuse.SetxattrRequest) {
	c := &wire.Change{Op: wire.OpSetXattr, Name: r.Name, Value: r.Value}
	_ = r.Reply(f.changeXattr(r.Node, c, func(o backing.Object) error {
		if err := o.Setxattr(r.Name, r.Value, int(r.Flags)); err != nil {
			return err
		}
		if !r.KillSgid {
			return nil
		}
		st, err := o.Stat()
		if err != nil || st.Mode&unix.S_ISGID == 0 {
			return err
		}
		return o.Chmod(st.Mode &^ unix.S_ISGID)
	}))
}

// Removexattr removes an extended attribute.
func (f *FS) Removexattr(r fuse.RemovexattrRequest) {
	c := &wire.Change{Op: wire.OpRemoveXattr, Name: r.Name}
	_ = r.Reply(f.changeXattr(r.Node, c, func(o backing.Object) error { return o.Removexattr(r.Name) }))
}

func (f *FS) changeXattr(id fuse.NodeID, c *wire.Change, do func(backing.Object) error) error {
	if backing.Own(c.Name) {
		return unix.EPERM
	}
	n, err := f.table.get(id)
	if err != nil {
		return err
	}
	return f.mutate(func() ([]*peer.Ticket, error) {
		f.ns.RLock()
		defer f.ns.RUnlock()
		n.mu.Lock()
		defer n.mu.Unlock()
		o, rel, named, err := f.object(n)
		if err != nil {
			return nil, err
		}
		defer o.Close()
		if err := do(o); err != nil {
			return nil, err
		}
		if !named || !f.cfg.Filter.Replicated(rel, n.typ == unix.S_IFDIR) {
			return local(), nil
		}
		st, err := o.Stat()
		if err != nil {
			return nil, err
		}
		f.touched(rel, n.typ == unix.S_IFDIR)
		c.Path, c.Flags, c.Attr = rel, wire.AttrMode, backing.WireAttr(&st)
		return f.send(c), nil
	})
}

// Statfs describes the file system underneath.
func (f *FS) Statfs(r fuse.StatfsRequest) {
	st, err := f.root.Statfs()
	answer(r.Request, err, func() error { return r.Reply(fuse.StatfsFrom(&st)) }, nil)
}

// Syncfs makes the whole directory durable on this node.
func (f *FS) Syncfs(r fuse.SyncfsRequest) { _ = r.Reply(f.root.Sync()) }
