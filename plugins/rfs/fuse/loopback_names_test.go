package fuse_test

import (
	"golang.org/x/sys/unix"

	"github.com/safehold/safehold/plugins/rfs/fuse"
)

// newMode is the mode of a new file: the umask counts only when the parent
// has no default ACL. The test process runs with umask 0.
func (l *loopback) newMode(parent fuse.NodeID, mode, umask uint32) uint32 {
	_, err := unix.Getxattr(procPath(l.fd(parent)), "system.posix_acl_default", nil)
	if err == nil {
		return mode
	}
	return mode &^ umask
}

// own gives a new file to the caller; the group stays the parent's where the
// parent has its set-group-id bit.
func (l *loopback) own(r fuse.Request, name string) error {
	var parent unix.Stat_t
	if err := unix.Fstat(l.fd(r.Node), &parent); err != nil {
		return err
	}
	gid := int(r.GID)
	if parent.Mode&unix.S_ISGID != 0 {
		gid = -1
	}
	if r.UID == 0 && (gid == 0 || gid == -1) {
		return nil
	}
	var st unix.Stat_t
	if err := unix.Fstatat(l.fd(r.Node), name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return err
	}
	if err := unix.Fchownat(l.fd(r.Node), name, int(r.UID), gid, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return err
	}
	if st.Mode&(unix.S_ISUID|unix.S_ISGID) != 0 && st.Mode&unix.S_IFMT == unix.S_IFREG {
		return unix.Fchmodat(l.fd(r.Node), name, st.Mode&07777, 0)
	}
	return nil
}

// made answers a request that has made a name, or failed to.
func (l *loopback) made(r fuse.EntryRequest, name string, err error) {
	if err == nil {
		err = l.own(r.Request, name)
	}
	if err != nil {
		_ = r.ReplyError(err)
		return
	}
	replyEntry(r)(l.lookup(r.Node, name))
}

func (l *loopback) Mknod(r fuse.MknodRequest) {
	err := unix.Mknodat(l.fd(r.Node), r.Name, l.newMode(r.Node, r.Mode, r.Umask), int(r.Rdev))
	l.made(r.EntryRequest, r.Name, err)
}

func (l *loopback) Mkdir(r fuse.MkdirRequest) {
	l.made(r.EntryRequest, r.Name, unix.Mkdirat(l.fd(r.Node), r.Name, l.newMode(r.Node, r.Mode, r.Umask)))
}

func (l *loopback) Symlink(r fuse.SymlinkRequest) {
	l.made(r.EntryRequest, r.Name, unix.Symlinkat(r.Target, l.fd(r.Node), r.Name))
}

func (l *loopback) Link(r fuse.LinkRequest) {
	err := unix.Linkat(unix.AT_FDCWD, procPath(l.fd(r.Target)), l.fd(r.Node), r.Name, unix.AT_SYMLINK_FOLLOW)
	if err != nil {
		_ = r.ReplyError(err)
		return
	}
	replyEntry(r.EntryRequest)(l.lookup(r.Node, r.Name))
}

func (l *loopback) Unlink(r fuse.UnlinkRequest) {
	_ = r.Reply(unix.Unlinkat(l.fd(r.Node), r.Name, 0))
}

func (l *loopback) Rmdir(r fuse.RmdirRequest) {
	_ = r.Reply(unix.Unlinkat(l.fd(r.Node), r.Name, unix.AT_REMOVEDIR))
}

func (l *loopback) Rename(r fuse.RenameRequest) {
	_ = r.Reply(unix.Renameat2(l.fd(r.Node), r.Name, l.fd(r.NewParent), r.NewName, uint(r.Flags)))
}

func (l *loopback) Create(r fuse.CreateRequest) {
	flags := openFlags(r.Flags) | unix.O_CREAT | unix.O_NOFOLLOW | int(r.Flags)&(unix.O_EXCL|unix.O_TRUNC)
	fd, err := unix.Openat(l.fd(r.Node), r.Name, flags, l.newMode(r.Node, r.Mode, r.Umask)&07777)
	if err != nil {
		_ = r.ReplyError(err)
		return
	}
	if err := l.own(r.Request, r.Name); err != nil {
		unix.Close(fd)
		_ = r.ReplyError(err)
		return
	}
	e, err := l.lookup(r.Node, r.Name)
	l.opened(r.CreatedRequest, e, err, fd, r.Flags)
}

func (l *loopback) Tmpfile(r fuse.TmpfileRequest) {
	flags := unix.O_TMPFILE | unix.O_RDWR | unix.O_CLOEXEC | int(r.Flags)&unix.O_DIRECT
	fd, err := unix.Open(procPath(l.fd(r.Node)), flags, l.newMode(r.Node, r.Mode, r.Umask)&07777)
	if err != nil {
		_ = r.ReplyError(err)
		return
	}
	err = unix.Fchown(fd, int(r.UID), int(r.GID))
	var e fuse.Entry
	if err == nil {
		var path int
		if path, err = unix.Open(procPath(fd), unix.O_PATH|unix.O_CLOEXEC, 0); err == nil {
			e, err = l.entry(path)
		}
	}
	l.opened(r.CreatedRequest, e, err, fd, r.Flags)
}

func (l *loopback) opened(r fuse.CreatedRequest, e fuse.Entry, err error, fd int, flags uint32) {
	if err != nil {
		unix.Close(fd)
		_ = r.ReplyError(err)
		return
	}
	_ = r.Reply(e, fuse.Opened{Handle: l.addFile(fd), Flags: replyFlags(flags)})
}

func (l *loopback) Setxattr(r fuse.SetxattrRequest) {
	fd := l.fd(r.Node)
	err := unix.Setxattr(procPath(fd), r.Name, r.Value, int(r.Flags))
	if err == nil && r.KillSgid {
		err = dropSetGID(fd)
	}
	_ = r.Reply(err)
}

func dropSetGID(fd int) error {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	return unix.Chmod(procPath(fd), st.Mode&07777&^unix.S_ISGID)
}

func (l *loopback) Getxattr(r fuse.GetxattrRequest) {
	b := make([]byte, r.Size)
	n, err := unix.Getxattr(procPath(l.fd(r.Node)), r.Name, b)
	replyXattr(r.XattrRequest, b, n, err)
}

func (l *loopback) Listxattr(r fuse.ListxattrRequest) {
	b := make([]byte, r.Size)
	n, err := unix.Listxattr(procPath(l.fd(r.Node)), b)
	replyXattr(r.XattrRequest, b, n, err)
}

func replyXattr(r fuse.XattrRequest, b []byte, n int, err error) {
	switch {
	case err != nil:
		_ = r.ReplyError(err)
	case r.Size == 0:
		_ = r.ReplySize(n)
	default:
		_ = r.Reply(b[:n])
	}
}

func (l *loopback) Removexattr(r fuse.RemovexattrRequest) {
	_ = r.Reply(unix.Removexattr(procPath(l.fd(r.Node)), r.Name))
}
