package fuse

import (
	"time"

	"golang.org/x/sys/unix"
)

// NodeID names an inode between kernel and handler. The handler chooses it;
// it must not be reused while the kernel remembers it, unless the entry's
// Generation differs.
type NodeID uint64

// RootID is the node of the mount's root; no Lookup introduces it.
const RootID NodeID = 1

// HandleID names an open file or directory. The handler chooses it.
type HandleID uint64

// Attr is what stat(2) shows of an inode. Mode carries type and permissions;
// Blocks counts 512-byte units; Rdev is in the kernel's 32-bit form, which is
// the low half of the C library's dev_t.
type Attr struct {
	Ino, Size, Blocks   uint64
	Atime, Mtime, Ctime unix.Timespec
	Mode, Nlink         uint32
	UID, GID            uint32
	Rdev, BlockSize     uint32
}

// AttrFromStat converts the result of fstat(2).
func AttrFromStat(st *unix.Stat_t) Attr {
	return Attr{
		Ino: st.Ino, Size: uint64(st.Size), Blocks: uint64(st.Blocks),
		Atime: st.Atim, Mtime: st.Mtim, Ctime: st.Ctim,
		Mode: st.Mode, Nlink: uint32(st.Nlink), UID: st.Uid, GID: st.Gid,
		Rdev: uint32(st.Rdev), BlockSize: uint32(st.Blksize),
	}
}

// Entry is a name's answer: the node behind it, its attributes, and for how
// long the kernel may use both without asking again. Node 0 means "no such
// name", remembered for EntryValid.
type Entry struct {
	Node       NodeID
	Generation uint64
	Attr       Attr
	EntryValid time.Duration
	AttrValid  time.Duration
}

// OpenFlags tells the kernel how to treat an open file or directory.
type OpenFlags uint32

// Open flags of the protocol.
const (
	// OpenDirectIO bypasses the page cache for this handle.
	OpenDirectIO OpenFlags = 1 << 0
	// OpenKeepCache keeps what the page cache holds of the inode.
	OpenKeepCache OpenFlags = 1 << 1
	// OpenNonSeekable forbids seeking.
	OpenNonSeekable OpenFlags = 1 << 2
	// OpenCacheDir lets the kernel cache the listing of a directory.
	OpenCacheDir OpenFlags = 1 << 3
	// OpenStream marks a stream, without a position.
	OpenStream OpenFlags = 1 << 4
	// OpenNoFlush spares Flush on close.
	OpenNoFlush OpenFlags = 1 << 5
	// OpenParallelDirectWrites lets direct writes of one inode run in parallel
	// when they do not extend the file.
	OpenParallelDirectWrites OpenFlags = 1 << 6
)

// Opened is the answer to an open: the handle for later calls, and flags.
type Opened struct {
	Handle HandleID
	Flags  OpenFlags
}

// Statfs is what statfs(2) shows. Blocks, Bfree and Bavail count FragSize
// units; BlockSize is the preferred size of I/O in bytes.
type Statfs struct {
	Blocks, Bfree, Bavail        uint64
	Files, Ffree                 uint64
	BlockSize, NameLen, FragSize uint32
}

// StatfsFrom converts the result of fstatfs(2).
func StatfsFrom(st *unix.Statfs_t) Statfs {
	return Statfs{
		Blocks: st.Blocks, Bfree: st.Bfree, Bavail: st.Bavail, Files: st.Files, Ffree: st.Ffree,
		BlockSize: uint32(st.Bsize), NameLen: uint32(st.Namelen), FragSize: uint32(st.Frsize),
	}
}

// Sizes of the protocol's answers in bytes.
const (
	attrSize      = 88
	attrOutSize   = 16 + attrSize
	entrySize     = 40 + attrSize
	openedSize    = 16
	statfsSize    = 80
	direntSize    = 24
	outHeaderSize = 16
)

func (a *Attr) encode(b []byte) {
	putU64(b, 0, a.Ino)
	putU64(b, 8, a.Size)
	putU64(b, 16, a.Blocks)
	putU64(b, 24, uint64(a.Atime.Sec))
	putU64(b, 32, uint64(a.Mtime.Sec))
	putU64(b, 40, uint64(a.Ctime.Sec))
	putU32(b, 48, uint32(a.Atime.Nsec))
	putU32(b, 52, uint32(a.Mtime.Nsec))
	putU32(b, 56, uint32(a.Ctime.Nsec))
	putU32(b, 60, a.Mode)
	putU32(b, 64, a.Nlink)
	putU32(b, 68, a.UID)
	putU32(b, 72, a.GID)
	putU32(b, 76, a.Rdev)
	putU32(b, 80, a.BlockSize)
	putU32(b, 84, 0)
}

func encodeAttrOut(b []byte, a *Attr, valid time.Duration) {
	sec, nsec := split(valid)
	putU64(b, 0, sec)
	putU32(b, 8, nsec)
	putU32(b, 12, 0)
	a.encode(b[16:])
}

func (e *Entry) encode(b []byte) {
	putU64(b, 0, uint64(e.Node))
	putU64(b, 8, e.Generation)
	es, en := split(e.EntryValid)
	as, an := split(e.AttrValid)
	putU64(b, 16, es)
	putU64(b, 24, as)
	putU32(b, 32, en)
	putU32(b, 36, an)
	e.Attr.encode(b[40:])
}

func (o Opened) encode(b []byte) {
	putU64(b, 0, uint64(o.Handle))
	putU32(b, 8, uint32(o.Flags))
	putU32(b, 12, 0)
}

func (s *Statfs) encode(b []byte) {
	clear(b[:statfsSize])
	putU64(b, 0, s.Blocks)
	putU64(b, 8, s.Bfree)
	putU64(b, 16, s.Bavail)
	putU64(b, 24, s.Files)
	putU64(b, 32, s.Ffree)
	putU32(b, 40, s.BlockSize)
	putU32(b, 44, s.NameLen)
	putU32(b, 48, s.FragSize)
}

// split cuts a validity into seconds and nanoseconds; negative means none.
func split(d time.Duration) (uint64, uint32) {
	if d <= 0 {
		return 0, 0
	}
	return uint64(d / time.Second), uint32(d % time.Second)
}
