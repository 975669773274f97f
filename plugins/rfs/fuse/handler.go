package fuse

// Handler is a file system: it answers every request of the kernel. Methods are
// grouped by the noun they work on. Each method must see to it that the request
// is answered exactly once, before or after it returns, except Forget,
// Interrupt and Destroy, which have no answer. Methods are called from many
// goroutines; see the package comment for which may block.
type Handler interface {
	InodeHandler
	NameHandler
	FileHandler
	DirHandler
	XattrHandler
	SystemHandler
}

// InodeHandler answers what concerns one inode.
type InodeHandler interface {
	// Lookup finds Name in the directory Node. A successful answer adds one to
	// the lookup count of the entry's node, until Forget takes it away.
	Lookup(LookupRequest)
	// Forget lowers lookup counts. It has no answer; the slice is valid only
	// during the call.
	Forget([]Forgotten)
	Getattr(GetattrRequest)
	Setattr(SetattrRequest)
	Readlink(ReadlinkRequest)
	// Access is asked only when default_permissions is off.
	Access(AccessRequest)
}

// NameHandler answers what changes names. Every answer with an Entry adds one
// to that node's lookup count.
type NameHandler interface {
	Mknod(MknodRequest)
	Mkdir(MkdirRequest)
	Symlink(SymlinkRequest)
	Link(LinkRequest)
	Unlink(UnlinkRequest)
	Rmdir(RmdirRequest)
	Rename(RenameRequest)
	// Create makes and opens a file in one step.
	Create(CreateRequest)
	// Tmpfile makes and opens a file without a name (O_TMPFILE).
	Tmpfile(TmpfileRequest)
}

// FileHandler answers what concerns open files.
type FileHandler interface {
	Open(OpenRequest)
	Read(ReadRequest)
	Write(WriteRequest)
	// Flush is called for each close of a descriptor; Release once, after the
	// last. The answer of Flush becomes the result of close(2).
	Flush(FlushRequest)
	Release(ReleaseRequest)
	Fsync(FsyncRequest)
	Fallocate(FallocateRequest)
	CopyFileRange(CopyFileRangeRequest)
	// Lseek answers SEEK_DATA and SEEK_HOLE only; the kernel does the others.
	Lseek(LseekRequest)
}

// DirHandler answers what concerns open directories.
type DirHandler interface {
	Opendir(OpendirRequest)
	Readdir(ReaddirRequest)
	// ReaddirPlus answers entries with their attributes. Every entry that was
	// added with a node, except "." and "..", adds one to its lookup count.
	ReaddirPlus(ReaddirPlusRequest)
	Releasedir(ReleasedirRequest)
	Fsyncdir(FsyncdirRequest)
}

// XattrHandler answers extended attributes, POSIX ACLs among them
// (system.posix_acl_access and system.posix_acl_default).
type XattrHandler interface {
	Setxattr(SetxattrRequest)
	Getxattr(GetxattrRequest)
	Listxattr(ListxattrRequest)
	Removexattr(RemovexattrRequest)
}

// SystemHandler answers what concerns the file system as a whole.
type SystemHandler interface {
	Statfs(StatfsRequest)
	Syncfs(SyncfsRequest)
	// Interrupt tells that the caller of the request with this Unique got a
	// signal. A handler may answer that request with EINTR, or ignore it. It
	// has no answer of its own.
	Interrupt(unique uint64)
}
