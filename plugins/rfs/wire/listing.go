package wire

// Range is [Off, Off+Len) of a file, in bytes.
type Range struct{ Off, Len int64 }

// Entry describes one name of a directory on the secondary.
type Entry struct {
	Name   string
	Ino    uint64
	Size   int64
	Nlink  uint32
	Rdev   uint32
	Attr   Attr
	ID     ID     // of the file's content; zero: none
	Xattrs uint64 // digest of the extended attributes, 0: none
	Target string // of a symbolic link
	Dirty  []Range
}

// List asks for the entries of a directory.
type List struct {
	Dir  uint16
	Path string
}

// Listing answers List. Missing: there is no such directory. Self describes
// the directory itself.
type Listing struct {
	Missing bool
	Self    Entry
	Entries []Entry
}

// Marshal gives the payload of a TypeList frame.
func (l List) Marshal() []byte {
	e := encoder{}
	e.u16(l.Dir)
	e.str(l.Path)
	return e.b
}

// UnmarshalList is the inverse.
func UnmarshalList(b []byte) (List, error) {
	d := decoder{b: b}
	l := List{d.u16(), d.str()}
	if err := d.end(); err != nil {
		return l, err
	}
	return l, CheckPath(l.Path)
}

// Marshal gives the payload of the reply.
func (l *Listing) Marshal() []byte {
	e := encoder{make([]byte, 0, 128+128*len(l.Entries))}
	if l.Missing {
		e.u8(1)
	} else {
		e.u8(0)
	}
	e.entry(&l.Self)
	e.u32(uint32(len(l.Entries)))
	for i := range l.Entries {
		e.entry(&l.Entries[i])
	}
	return e.b
}

// UnmarshalListing is the inverse.
func UnmarshalListing(b []byte) (*Listing, error) {
	d := decoder{b: b}
	l := &Listing{Missing: d.u8() == 1, Self: d.entry()}
	n := d.count(entryMin)
	l.Entries = make([]Entry, 0, n)
	for range n {
		l.Entries = append(l.Entries, d.entry())
	}
	return l, d.end()
}

// entryMin is the size of an entry with empty strings.
const entryMin = 4 + 8 + 8 + 4 + 4 + 12 + 24 + 16 + 8 + 4 + 4

func (e *encoder) entry(v *Entry) {
	e.str(v.Name)
	e.u64(v.Ino)
	e.i64(v.Size)
	e.u32(v.Nlink)
	e.u32(v.Rdev)
	e.u32(v.Attr.Mode)
	e.u32(v.Attr.UID)
	e.u32(v.Attr.GID)
	e.time(v.Attr.Atime)
	e.time(v.Attr.Mtime)
	e.id(v.ID)
	e.u64(v.Xattrs)
	e.str(v.Target)
	e.u32(uint32(len(v.Dirty)))
	for _, r := range v.Dirty {
		e.i64(r.Off)
		e.i64(r.Len)
	}
}

func (d *decoder) entry() Entry {
	v := Entry{Name: d.str(), Ino: d.u64(), Size: d.i64(), Nlink: d.u32(), Rdev: d.u32()}
	v.Attr = Attr{d.u32(), d.u32(), d.u32(), d.time(), d.time()}
	v.ID, v.Xattrs, v.Target = d.id(), d.u64(), d.str()
	for range d.count(16) {
		v.Dirty = append(v.Dirty, Range{d.i64(), d.i64()})
	}
	return v
}

// HashSize is the size of one block's digest in bytes.
const HashSize = 16

// Hash asks for the digests of the blocks of a bound file in [Off, Off+Len).
// The last block may be short. Block is a power of two.
type Hash struct {
	File     uint64
	Off, Len int64
	Block    uint32
}

// Marshal gives the payload of a TypeHash frame.
func (h Hash) Marshal() []byte {
	e := encoder{}
	e.u64(h.File)
	e.i64(h.Off)
	e.i64(h.Len)
	e.u32(h.Block)
	return e.b
}

// MaxHash bounds the range of one Hash in bytes, MinBlock its block size.
const (
	MaxHash  = 16 << 20
	MinBlock = 4096
)

// UnmarshalHash is the inverse.
func UnmarshalHash(b []byte) (Hash, error) {
	d := decoder{b: b}
	h := Hash{d.u64(), d.i64(), d.i64(), d.u32()}
	if d.err == nil && (h.Off < 0 || h.Len < 0 || h.Len > MaxHash || h.Off+h.Len < 0 || h.Block < MinBlock || h.Block&(h.Block-1) != 0) {
		d.err = ErrFrame
	}
	return h, d.end()
}
