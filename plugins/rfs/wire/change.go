package wire

import (
	"fmt"
	"strings"
)

// ID names the base of a file's content on both nodes; zero means none.
type ID [16]byte

// IsZero tells whether the file has no identity.
func (i ID) IsZero() bool { return i == ID{} }

// Time is a file time. The zero Time means "leave alone".
type Time struct {
	Sec  int64
	Nsec uint32
}

// IsZero tells whether the time is to be left alone.
func (t Time) IsZero() bool { return t == Time{} }

// Op is what a Change does.
type Op uint8

// The operations. Path is what they act on unless said otherwise.
const (
	// OpCreate makes a regular file and, when File is set, binds it.
	OpCreate Op = iota + 1
	OpMkdir
	// OpMknod makes a device, pipe or socket of Mode and Rdev.
	OpMknod
	// OpSymlink makes a symbolic link to Path2.
	OpSymlink
	// OpLink gives Path a second name Path2; Flags 1 replaces what is there.
	OpLink
	OpUnlink
	OpRmdir
	// OpRename moves Path to Path2 with the flags of renameat2(2).
	OpRename
	// OpSetAttr imposes the parts of Attr that Flags names.
	OpSetAttr
	// OpSetXattr sets extended attribute Name to Value.
	OpSetXattr
	OpRemoveXattr
	// OpXattrs replaces all extended attributes by those packed in Value.
	OpXattrs
	// OpTruncate sets the size to Off.
	OpTruncate
	// OpFallocate is fallocate(2) with mode Flags on [Off, Off+Len).
	OpFallocate
	// OpBind opens Path for later frames that name File; OpUnbind closes it.
	OpBind
	OpUnbind
	// OpSetID gives the file the identity ID.
	OpSetID
	// OpRemove removes Path and what is below it.
	OpRemove
	opEnd
)

var opNames = [...]string{"", "create", "mkdir", "mknod", "symlink", "link", "unlink", "rmdir", "rename", "setattr", "setxattr",
	"removexattr", "xattrs", "truncate", "fallocate", "bind", "unbind", "setid", "remove"}

// String gives the operation's name for logs.
func (o Op) String() string {
	if o == 0 || o >= opEnd {
		return fmt.Sprintf("operation %d", uint8(o))
	}
	return opNames[o]
}

// Parts of an Attr that OpSetAttr imposes.
const (
	AttrMode uint32 = 1 << iota
	AttrOwner
	AttrAtime
	AttrMtime
)

// Attr is what a file looks like after an operation.
type Attr struct {
	Mode, UID, GID uint32
	Atime, Mtime   Time
}

// Change is one modification of the tree, complete in itself: it carries the
// attributes that the operation left behind on the primary.
type Change struct {
	Op       Op
	Dir      uint16 // index of the replicated directory
	File     uint64 // bound file, or 0: Path decides
	Path     string // relative to the directory, no leading slash; "" is the root
	Path2    string
	Flags    uint32
	Rdev     uint32
	Attr     Attr
	Parent   Time // modification time of Path's parent afterwards
	Parent2  Time // of Path2's
	Off, Len int64
	Name     string
	Value    []byte
	ID       ID
}

// Marshal gives the payload of a TypeChange frame.
func (c *Change) Marshal() []byte {
	e := encoder{make([]byte, 0, 160+len(c.Path)+len(c.Path2)+len(c.Name)+len(c.Value))}
	e.u8(uint8(c.Op))
	e.u16(c.Dir)
	e.u64(c.File)
	e.str(c.Path)
	e.str(c.Path2)
	e.u32(c.Flags)
	e.u32(c.Rdev)
	e.u32(c.Attr.Mode)
	e.u32(c.Attr.UID)
	e.u32(c.Attr.GID)
	e.time(c.Attr.Atime)
	e.time(c.Attr.Mtime)
	e.time(c.Parent)
	e.time(c.Parent2)
	e.i64(c.Off)
	e.i64(c.Len)
	e.str(c.Name)
	e.bytes(c.Value)
	e.id(c.ID)
	return e.b
}

// UnmarshalChange is the inverse of Change.Marshal. Value aliases b.
func UnmarshalChange(b []byte) (*Change, error) {
	d := decoder{b: b}
	c := &Change{Op: Op(d.u8()), Dir: d.u16(), File: d.u64(), Path: d.str(), Path2: d.str(), Flags: d.u32(), Rdev: d.u32()}
	c.Attr = Attr{d.u32(), d.u32(), d.u32(), d.time(), d.time()}
	c.Parent, c.Parent2 = d.time(), d.time()
	c.Off, c.Len, c.Name, c.Value, c.ID = d.i64(), d.i64(), d.str(), d.bytes(), d.id()
	if err := d.end(); err != nil {
		return nil, err
	}
	return c, c.check()
}

func (c *Change) check() error {
	switch {
	case c.Op == 0 || c.Op >= opEnd:
		return fmt.Errorf("%w: unknown operation %d", ErrFrame, c.Op)
	case c.Off < 0 || c.Len < 0 || c.Off+c.Len < 0:
		return fmt.Errorf("%w: %s with a negative range", ErrFrame, c.Op)
	case strings.ContainsRune(c.Name, 0):
		return fmt.Errorf("%w: %s with a zero byte in a name", ErrFrame, c.Op)
	case c.Op == OpSymlink:
		return CheckPath(c.Path)
	}
	if err := CheckPath(c.Path); err != nil {
		return err
	}
	return CheckPath(c.Path2)
}

// CheckPath refuses paths that are not plainly relative and below the root.
func CheckPath(p string) error {
	if p == "" {
		return nil
	}
	if len(p) > 4096*4 || strings.ContainsRune(p, 0) {
		return fmt.Errorf("%w: path is too long or contains a zero byte", ErrFrame)
	}
	for part := range strings.SplitSeq(p, "/") {
		if part == "" || part == "." || part == ".." {
			return fmt.Errorf("%w: path %q is not plainly relative", ErrFrame, p)
		}
	}
	return nil
}

// WriteHead is the fixed part of a TypeWrite payload, before the data.
const WriteHead = 16

// MarshalWrite gives the fixed part of a write of data to the bound file.
func MarshalWrite(file uint64, off int64) []byte {
	e := encoder{make([]byte, 0, WriteHead)}
	e.u64(file)
	e.i64(off)
	return e.b
}

// UnmarshalWrite is the inverse; data aliases b.
func UnmarshalWrite(b []byte) (file uint64, off int64, data []byte, err error) {
	d := decoder{b: b}
	file, off = d.u64(), d.i64()
	if d.err == nil && (off < 0 || off+int64(len(d.b)) < 0) {
		d.err = fmt.Errorf("%w: write at a negative offset", ErrFrame)
	}
	return file, off, d.b, d.err
}
