package backing

import (
	"golang.org/x/sys/unix"

	"github.com/safehold/safehold/plugins/rfs/wire"
)

// Describe gives the entry of rel as it stands in a listing, without its map.
func Describe(r *Root, rel, name string) (wire.Entry, error) {
	o, err := r.Object(rel)
	if err != nil {
		return wire.Entry{}, err
	}
	defer o.Close()
	st, err := o.Stat()
	if err != nil {
		return wire.Entry{}, err
	}
	e := wire.Entry{Name: name, Ino: st.Ino, Size: st.Size, Nlink: uint32(st.Nlink), Rdev: uint32(st.Rdev), Attr: WireAttr(&st)}
	if _, e.Xattrs, err = o.PackXattrs(); err != nil {
		return e, err
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		e.ID = o.ContentID()
	case unix.S_IFLNK:
		e.Target, err = r.Readlink(rel)
	}
	return e, err
}
