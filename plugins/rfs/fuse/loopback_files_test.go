package fuse_test

import (
	"bytes"
	"encoding/binary"

	"golang.org/x/sys/unix"

	"github.com/safehold/safehold/plugins/rfs/fuse"
)

// openFlags are the flags for the file underneath. The kernel computes the
// offset of appends itself, and pwrite(2) on an O_APPEND file would ignore it.
func openFlags(flags uint32) int {
	const drop = unix.O_CREAT | unix.O_EXCL | unix.O_TRUNC | unix.O_NOFOLLOW | unix.O_APPEND
	return int(flags)&^drop | unix.O_CLOEXEC
}

func replyFlags(flags uint32) fuse.OpenFlags {
	if flags&unix.O_DIRECT != 0 {
		return fuse.OpenDirectIO | fuse.OpenParallelDirectWrites
	}
	return 0
}

func (l *loopback) Open(r fuse.OpenRequest) {
	node := l.fd(r.Node)
	fd, err := unix.Open(procPath(node), openFlags(r.Flags)|int(r.Flags)&unix.O_TRUNC, 0)
	if err == nil && r.KillSuidgid {
		err = dropSetID(node)
	}
	if err != nil {
		_ = r.ReplyError(err)
		return
	}
	_ = r.Reply(fuse.Opened{Handle: l.addFile(fd), Flags: replyFlags(r.Flags)})
}

func (l *loopback) Read(r fuse.ReadRequest) {
	b := r.Buffer()
	n, err := unix.Pread(l.file(r.Handle).fd, b, r.Offset)
	if err != nil {
		_ = r.ReplyError(err)
		return
	}
	_ = r.Reply(b[:n])
}

func (l *loopback) Write(r fuse.WriteRequest) {
	if l.onWrite != nil && l.onWrite(r) {
		return
	}
	l.write(r)
}

func (l *loopback) write(r fuse.WriteRequest) {
	fd := l.file(r.Handle).fd
	n, err := unix.Pwrite(fd, r.Data, r.Offset)
	if err == nil && r.KillSuidgid {
		err = dropSetID(fd)
	}
	if err != nil {
		_ = r.ReplyError(err)
		return
	}
	_ = r.Reply(n)
}

func (l *loopback) Flush(r fuse.FlushRequest) { _ = r.Reply(nil) }

func (l *loopback) Release(r fuse.ReleaseRequest) { _ = r.Reply(l.dropFile(r.Handle)) }

func (l *loopback) Fsync(r fuse.FsyncRequest) {
	fd := l.file(r.Handle).fd
	if r.DataOnly {
		_ = r.Reply(unix.Fdatasync(fd))
		return
	}
	_ = r.Reply(unix.Fsync(fd))
}

func (l *loopback) Fallocate(r fuse.FallocateRequest) {
	_ = r.Reply(unix.Fallocate(l.file(r.Handle).fd, r.Mode, r.Offset, r.Length))
}

func (l *loopback) CopyFileRange(r fuse.CopyFileRangeRequest) {
	in, out := r.Offset, r.TargetOffset
	length := int(min(r.Length, 1<<30))
	n, err := unix.CopyFileRange(l.file(r.Handle).fd, &in, l.file(r.TargetHandle).fd, &out, length, int(r.Flags))
	if err != nil {
		_ = r.ReplyError(err)
		return
	}
	_ = r.Reply(uint64(n))
}

func (l *loopback) Lseek(r fuse.LseekRequest) {
	off, err := unix.Seek(l.file(r.Handle).fd, r.Offset, int(r.Whence))
	if err != nil {
		_ = r.ReplyError(err)
		return
	}
	_ = r.Reply(off)
}

func (l *loopback) Opendir(r fuse.OpendirRequest) {
	fd, err := unix.Openat(l.fd(r.Node), ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		_ = r.ReplyError(err)
		return
	}
	_ = r.Reply(fuse.Opened{Handle: l.addFile(fd)})
}

func (l *loopback) Readdir(r fuse.ReaddirRequest) {
	names, err := l.file(r.Handle).list(r.Offset)
	if err != nil {
		_ = r.ReplyError(err)
		return
	}
	for _, e := range names {
		if !r.Add(e) {
			break
		}
	}
	_ = r.Reply()
}

func (l *loopback) ReaddirPlus(r fuse.ReaddirPlusRequest) {
	names, err := l.file(r.Handle).list(r.Offset)
	if err != nil {
		_ = r.ReplyError(err)
		return
	}
	for _, e := range names {
		if !r.Fits(e.Name) {
			break
		}
		var entry fuse.Entry
		if e.Name != "." && e.Name != ".." {
			// A name that has vanished is sent without attributes.
			entry, _ = l.lookup(r.Node, e.Name)
		}
		r.Add(e, entry)
	}
	_ = r.Reply()
}

func (l *loopback) Releasedir(r fuse.ReleasedirRequest) { _ = r.Reply(l.dropFile(r.Handle)) }

func (l *loopback) Fsyncdir(r fuse.FsyncdirRequest) { _ = r.Reply(unix.Fsync(l.file(r.Handle).fd)) }

// list returns the entries from an offset on; offset 0 reads the directory anew.
func (f *loopFile) list(off uint64) ([]fuse.DirEntry, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if off == 0 {
		if err := f.load(); err != nil {
			return nil, err
		}
	}
	return f.names[min(int(off), len(f.names)):], nil
}

func (f *loopFile) load() error {
	if _, err := unix.Seek(f.fd, 0, 0); err != nil {
		return err
	}
	f.names = nil // earlier answers may still be read
	buf := make([]byte, 64<<10)
	for {
		n, err := unix.Getdents(f.fd, buf)
		if err != nil || n == 0 {
			return err
		}
		for b := buf[:n]; len(b) > 0; b = b[binary.NativeEndian.Uint16(b[16:]):] {
			name := b[19:binary.NativeEndian.Uint16(b[16:])]
			name = name[:bytes.IndexByte(name, 0)]
			f.names = append(f.names, fuse.DirEntry{
				Ino: binary.NativeEndian.Uint64(b), Offset: uint64(len(f.names) + 1), Type: b[18], Name: string(name),
			})
		}
	}
}
