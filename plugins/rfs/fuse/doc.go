// Package fuse is a small server of the kernel's FUSE protocol, in pure Go. It
// mounts a directory, decodes what the kernel asks into typed requests, hands
// them to a Handler and carries the answers back. It knows nothing about
// replication; the file-system logic above it never sees a kernel structure.
//
//	conn, err := fuse.Mount(ctx, "/data", fuse.Options{})
//	err = conn.Serve(ctx, handler) // until unmounted, aborted or ctx ends
//
// # Requests and answers
//
// A request is a small value with typed fields. It may be copied, kept, and
// answered later from any goroutine, exactly once, by its Reply or ReplyError
// method. A second answer changes nothing and returns ErrReplied. An answer to
// a request that the kernel no longer waits for returns ErrGone; what the
// answer had given away (a handle, a lookup) then never reached the kernel.
// A request that is never answered blocks its caller until the mount is
// aborted, so every path of a handler must answer.
//
// # Ownership of buffers
//
// WriteRequest.Data and SetxattrRequest.Value are the one copy that the kernel
// made into this process. Nobody changes them: the same bytes may go to a disk,
// a socket and a checksum at once. They are valid until the request is
// answered; WriteRequest.Retain, called before the answer, keeps them valid
// until WriteRequest.Release. Data of a write starts on a page boundary, so it
// can be written with O_DIRECT as it is.
//
// ReadRequest.Buffer returns page-aligned memory that belongs to the request
// until it is answered. A read may also be answered from any other memory, which
// may be reused as soon as Reply has returned. The slice given to
// Handler.Forget is valid only during the call. Names and paths are strings
// and stay valid.
//
// # Goroutines
//
// Serve starts Options.Readers goroutines that read requests. Read, Write,
// Fsync, Flush, Forget and Interrupt are called on the reader itself. A handler
// may wait there: while all readers are at work, more are started, up to
// Options.MaxReaders. Beyond that requests wait in the kernel, so a handler
// that waits long, or for another request, should return and
// answer later. All other calls run on a goroutine each, at most
// Options.MaxNamespace at a time; when all are busy, readers wait. Serve
// returns only when its readers and every running call have returned. Requests
// still unanswered then may be answered later; the answer returns ErrGone
// once the mount is gone.
//
// # What may deadlock
//
//   - Touching the own mount from this process: opening, listing or stat-ing a
//     path below the mount point waits for this very server. Open what lies
//     under the mount before mounting, and work relative to that descriptor.
//     Unmount, Abort, Remount and Detach are safe: they send no request that
//     the caller itself would have to answer, except that Unmount and Remount
//     may write dirty pages, and so must not be called on a reader.
//     A test that does touch its own mount must call SettlePoll first, once, and
//     leave mappings, and commands started in a directory below the mount
//     (exec.Cmd.Dir), to other processes: they stop a thread where the Go
//     scheduler cannot see it.
//   - NotifyInode for an inode while one of its reads or writes is being
//     answered by the same goroutine: the kernel waits for locked pages.
//   - NotifyEntry and NotifyDelete while a request that holds the directory
//     (create, unlink, rename, lookup …) is not answered yet and waits for the
//     notifying goroutine: the kernel holds the directory's lock.
//   - Handlers that block on all of MaxReaders until another request arrives.
//
// Send notifications from a goroutine of their own.
//
// # Permissions
//
// The kernel checks permissions (default_permissions) from the attributes and
// ACLs the handler returns. It does not apply the umask: Mode and Umask come
// separately, because a default ACL on the parent replaces the umask. A handler
// that creates files on a local file system must run with umask 0, apply
// Request.Umask itself when the parent has no default ACL, and give the new
// file to the caller's UID and GID. The kernel asks for set-user-id bits to be
// dropped with the KillSuidgid fields. POSIX and BSD locks stay in the kernel.
package fuse
