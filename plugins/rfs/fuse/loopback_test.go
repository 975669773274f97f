package fuse_test

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/safehold/safehold/plugins/rfs/fuse"
)

// loopback is a plain pass-through over a directory that it holds open: what
// is seen through the mount is what lies under it.
type loopback struct {
	valid time.Duration // of names and attributes

	mu    sync.Mutex // guards everything below
	nodes map[fuse.NodeID]*loopNode
	byIno map[inoKey]*loopNode
	files map[fuse.HandleID]*loopFile
	last  uint64

	interrupts atomic.Int64
	onWrite    func(fuse.WriteRequest) bool // takes a write over when it returns true
}

type inoKey struct{ dev, ino uint64 }

// loopNode is an inode the kernel knows of, held by an O_PATH descriptor.
type loopNode struct {
	id    fuse.NodeID
	fd    int
	key   inoKey
	count uint64
}

// loopFile is an open file or directory; names is the listing of a directory.
type loopFile struct {
	fd    int
	mu    sync.Mutex
	names []fuse.DirEntry
}

var _ fuse.Handler = (*loopback)(nil)

func newLoopback(dir string) (*loopback, error) {
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", dir, err)
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, err
	}
	root := &loopNode{id: fuse.RootID, fd: fd, key: inoKey{st.Dev, st.Ino}, count: 1}
	return &loopback{
		valid: time.Second, last: uint64(fuse.RootID),
		nodes: map[fuse.NodeID]*loopNode{fuse.RootID: root},
		byIno: map[inoKey]*loopNode{root.key: root},
		files: map[fuse.HandleID]*loopFile{},
	}, nil
}

// close gives back all descriptors.
func (l *loopback) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, n := range l.nodes {
		unix.Close(n.fd)
	}
	for _, f := range l.files {
		unix.Close(f.fd)
	}
}

// fd returns the O_PATH descriptor of a node, -1 when unknown.
func (l *loopback) fd(id fuse.NodeID) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := l.nodes[id]; n != nil {
		return n.fd
	}
	return -1
}

func (l *loopback) file(h fuse.HandleID) *loopFile {
	l.mu.Lock()
	defer l.mu.Unlock()
	if f := l.files[h]; f != nil {
		return f
	}
	return &loopFile{fd: -1}
}

func (l *loopback) addFile(fd int) fuse.HandleID {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last++
	l.files[fuse.HandleID(l.last)] = &loopFile{fd: fd}
	return fuse.HandleID(l.last)
}

func (l *loopback) dropFile(h fuse.HandleID) error {
	l.mu.Lock()
	f := l.files[h]
	delete(l.files, h)
	l.mu.Unlock()
	if f == nil {
		return unix.EBADF
	}
	return unix.Close(f.fd)
}

// entry makes an entry of the O_PATH descriptor fd and takes it over.
func (l *loopback) entry(fd int) (fuse.Entry, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		unix.Close(fd)
		return fuse.Entry{}, err
	}
	key := inoKey{st.Dev, st.Ino}
	l.mu.Lock()
	n := l.byIno[key]
	if n == nil {
		l.last++
		n = &loopNode{id: fuse.NodeID(l.last), fd: fd, key: key}
		l.nodes[n.id], l.byIno[key] = n, n
	} else {
		unix.Close(fd)
	}
	n.count++
	l.mu.Unlock()
	return fuse.Entry{Node: n.id, Attr: fuse.AttrFromStat(&st), EntryValid: l.valid, AttrValid: l.valid}, nil
}

func (l *loopback) lookup(parent fuse.NodeID, name string) (fuse.Entry, error) {
	fd, err := unix.Openat(l.fd(parent), name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return fuse.Entry{}, err
	}
	return l.entry(fd)
}

func (l *loopback) Lookup(r fuse.LookupRequest) { replyEntry(r.EntryRequest)(l.lookup(r.Node, r.Name)) }

func (l *loopback) Forget(batch []fuse.Forgotten) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range batch {
		n := l.nodes[f.Node]
		if n == nil || f.Node == fuse.RootID {
			continue
		}
		n.count -= min(f.Count, n.count)
		if n.count == 0 {
			delete(l.nodes, n.id)
			delete(l.byIno, n.key)
			unix.Close(n.fd)
		}
	}
}

func (l *loopback) Getattr(r fuse.GetattrRequest) { l.replyAttr(r.AttrRequest, nil) }

func (l *loopback) Setattr(r fuse.SetattrRequest) { l.replyAttr(r.AttrRequest, l.setattr(r)) }

func (l *loopback) setattr(r fuse.SetattrRequest) error {
	fd := l.fd(r.Node)
	if r.Valid&(fuse.SetUID|fuse.SetGID) != 0 {
		uid, gid := -1, -1
		if r.Has(fuse.SetUID) {
			uid = int(r.UID)
		}
		if r.Has(fuse.SetGID) {
			gid = int(r.GID)
		}
		if err := unix.Fchownat(fd, "", uid, gid, unix.AT_EMPTY_PATH); err != nil {
			return err
		}
	}
	if r.Has(fuse.SetSize) {
		if err := l.truncate(r, fd); err != nil {
			return err
		}
	}
	if r.KillSuidgid {
		if err := dropSetID(fd); err != nil {
			return err
		}
	}
	if r.Has(fuse.SetMode) {
		if err := unix.Chmod(procPath(fd), r.Mode&07777); err != nil {
			return err
		}
	}
	return setTimes(r, fd)
}

func (l *loopback) truncate(r fuse.SetattrRequest, fd int) error {
	if r.HasHandle {
		return unix.Ftruncate(l.file(r.Handle).fd, int64(r.Size))
	}
	return unix.Truncate(procPath(fd), int64(r.Size))
}

func setTimes(r fuse.SetattrRequest, fd int) error {
	ts := []unix.Timespec{{Nsec: unix.UTIME_OMIT}, {Nsec: unix.UTIME_OMIT}}
	for i, bits := range [][2]fuse.SetattrMask{{fuse.SetAtime, fuse.SetAtimeNow}, {fuse.SetMtime, fuse.SetMtimeNow}} {
		if r.Has(bits[1]) {
			ts[i].Nsec = unix.UTIME_NOW
		} else if r.Has(bits[0]) {
			ts[i] = []unix.Timespec{r.Atime, r.Mtime}[i]
		}
	}
	if ts[0].Nsec == unix.UTIME_OMIT && ts[1].Nsec == unix.UTIME_OMIT {
		return nil
	}
	return unix.UtimesNanoAt(fd, "", ts, unix.AT_EMPTY_PATH)
}

// dropSetID drops set-id bits as write(2) by an unprivileged caller does.
func dropSetID(fd int) error {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	mode := st.Mode &^ unix.S_ISUID
	if st.Mode&unix.S_IXGRP != 0 {
		mode &^= unix.S_ISGID
	}
	if mode == st.Mode {
		return nil
	}
	return unix.Chmod(procPath(fd), mode&07777)
}

func (l *loopback) replyAttr(r fuse.AttrRequest, err error) {
	var st unix.Stat_t
	if err == nil {
		err = unix.Fstat(l.fd(r.Node), &st)
	}
	if err != nil {
		_ = r.ReplyError(err)
		return
	}
	_ = r.Reply(fuse.AttrFromStat(&st), l.valid)
}

func (l *loopback) Readlink(r fuse.ReadlinkRequest) {
	b := make([]byte, 4096)
	n, err := unix.Readlinkat(l.fd(r.Node), "", b)
	if err != nil {
		_ = r.ReplyError(err)
		return
	}
	_ = r.Reply(string(b[:n]))
}

func (l *loopback) Access(r fuse.AccessRequest) { _ = r.Reply(unix.ENOSYS) }

func (l *loopback) Statfs(r fuse.StatfsRequest) {
	var st unix.Statfs_t
	if err := unix.Fstatfs(l.fd(fuse.RootID), &st); err != nil {
		_ = r.ReplyError(err)
		return
	}
	_ = r.Reply(fuse.StatfsFrom(&st))
}

func (l *loopback) Syncfs(r fuse.SyncfsRequest) { _ = r.Reply(nil) }

func (l *loopback) Interrupt(uint64) { l.interrupts.Add(1) }

// replyEntry answers with what a lookup returned.
func replyEntry(r fuse.EntryRequest) func(fuse.Entry, error) {
	return func(e fuse.Entry, err error) {
		if err != nil {
			_ = r.ReplyError(err)
			return
		}
		_ = r.Reply(e)
	}
}

func procPath(fd int) string { return fmt.Sprintf("/proc/self/fd/%d", fd) }

// procDir is how the tests reach the directory under a mount.
func procDir(f *os.File) string { return procPath(int(f.Fd())) }
