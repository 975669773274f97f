package fuse

import "golang.org/x/sys/unix"

// Unimplemented answers ENOSYS to every request. Embed it in a handler that
// serves only a part of the calls.
type Unimplemented struct{}

var _ Handler = Unimplemented{}

func nosys(r Request) { _ = r.ReplyError(unix.ENOSYS) }

// Lookup answers ENOSYS.
func (Unimplemented) Lookup(r LookupRequest) { nosys(r.Request) }

// Forget does nothing.
func (Unimplemented) Forget([]Forgotten) {}

// Getattr answers ENOSYS.
func (Unimplemented) Getattr(r GetattrRequest) { nosys(r.Request) }

// Setattr answers ENOSYS.
func (Unimplemented) Setattr(r SetattrRequest) { nosys(r.Request) }

// Readlink answers ENOSYS.
func (Unimplemented) Readlink(r ReadlinkRequest) { nosys(r.Request) }

// Access answers ENOSYS.
func (Unimplemented) Access(r AccessRequest) { nosys(r.Request) }

// Mknod answers ENOSYS.
func (Unimplemented) Mknod(r MknodRequest) { nosys(r.Request) }

// Mkdir answers ENOSYS.
func (Unimplemented) Mkdir(r MkdirRequest) { nosys(r.Request) }

// Symlink answers ENOSYS.
func (Unimplemented) Symlink(r SymlinkRequest) { nosys(r.Request) }

// Link answers ENOSYS.
func (Unimplemented) Link(r LinkRequest) { nosys(r.Request) }

// Unlink answers ENOSYS.
func (Unimplemented) Unlink(r UnlinkRequest) { nosys(r.Request) }

// Rmdir answers ENOSYS.
func (Unimplemented) Rmdir(r RmdirRequest) { nosys(r.Request) }

// Rename answers ENOSYS.
func (Unimplemented) Rename(r RenameRequest) { nosys(r.Request) }

// Create answers ENOSYS.
func (Unimplemented) Create(r CreateRequest) { nosys(r.Request) }

// Tmpfile answers ENOSYS.
func (Unimplemented) Tmpfile(r TmpfileRequest) { nosys(r.Request) }

// Open answers ENOSYS.
func (Unimplemented) Open(r OpenRequest) { nosys(r.Request) }

// Read answers ENOSYS.
func (Unimplemented) Read(r ReadRequest) { nosys(r.Request) }

// Write answers ENOSYS.
func (Unimplemented) Write(r WriteRequest) { nosys(r.Request) }

// Flush answers ENOSYS.
func (Unimplemented) Flush(r FlushRequest) { nosys(r.Request) }

// Release answers ENOSYS.
func (Unimplemented) Release(r ReleaseRequest) { nosys(r.Request) }

// Fsync answers ENOSYS.
func (Unimplemented) Fsync(r FsyncRequest) { nosys(r.Request) }

// Fallocate answers ENOSYS.
func (Unimplemented) Fallocate(r FallocateRequest) { nosys(r.Request) }

// CopyFileRange answers ENOSYS; the kernel then copies by reads and writes.
func (Unimplemented) CopyFileRange(r CopyFileRangeRequest) { nosys(r.Request) }

// Lseek answers ENOSYS; the kernel then sees no holes.
func (Unimplemented) Lseek(r LseekRequest) { nosys(r.Request) }

// Opendir answers ENOSYS.
func (Unimplemented) Opendir(r OpendirRequest) { nosys(r.Request) }

// Readdir answers ENOSYS.
func (Unimplemented) Readdir(r ReaddirRequest) { nosys(r.Request) }

// ReaddirPlus answers ENOSYS.
func (Unimplemented) ReaddirPlus(r ReaddirPlusRequest) { nosys(r.Request) }

// Releasedir answers ENOSYS.
func (Unimplemented) Releasedir(r ReleasedirRequest) { nosys(r.Request) }

// Fsyncdir answers ENOSYS.
func (Unimplemented) Fsyncdir(r FsyncdirRequest) { nosys(r.Request) }

// Setxattr answers ENOSYS.
func (Unimplemented) Setxattr(r SetxattrRequest) { nosys(r.Request) }

// Getxattr answers ENOSYS.
func (Unimplemented) Getxattr(r GetxattrRequest) { nosys(r.Request) }

// Listxattr answers ENOSYS.
func (Unimplemented) Listxattr(r ListxattrRequest) { nosys(r.Request) }

// Removexattr answers ENOSYS.
func (Unimplemented) Removexattr(r RemovexattrRequest) { nosys(r.Request) }

// Statfs answers ENOSYS.
func (Unimplemented) Statfs(r StatfsRequest) { nosys(r.Request) }

// Syncfs answers ENOSYS.
func (Unimplemented) Syncfs(r SyncfsRequest) { nosys(r.Request) }

// Interrupt does nothing.
func (Unimplemented) Interrupt(uint64) {}
