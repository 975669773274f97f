package fs

import (
	"golang.org/x/sys/unix"

	"github.com/safehold/safehold/plugins/rfs/backing"
	"github.com/safehold/safehold/plugins/rfs/dirty"
	"github.com/safehold/safehold/plugins/rfs/fuse"
	"github.com/safehold/safehold/plugins/rfs/peer"
	"github.com/safehold/safehold/plugins/rfs/wire"
)

// handle is one open file or directory.
type handle struct {
	id     fuse.HandleID
	node   *node
	fd     int
	writer bool
	list   *listing // of a directory
}

func (f *FS) handle(id fuse.HandleID) (*handle, error) {
	f.hmu.Lock()
	defer f.hmu.Unlock()
	if h := f.handles[id]; h != nil {
		return h, nil
	}
	return nil, unix.EBADF
}

func (f *FS) newHandle(n *node, fd int, writer bool) *handle {
	f.table.opened(n, fd, writer)
	f.hmu.Lock()
	defer f.hmu.Unlock()
	h := &handle{id: f.nextH, node: n, fd: fd, writer: writer}
	if n.typ == unix.S_IFDIR {
		h.list = &listing{}
	}
	f.nextH++
	f.handles[h.id] = h
	return h
}

func (f *FS) keyOf(ino uint64) dirty.Key { return dirty.Key{Dir: f.cfg.Dir, Ino: ino} }

// openFlags lets the kernel keep cached data across opens where this node is the
// only one that changes them, and writes of an O_DIRECT handle run in parallel.
func (f *FS) openFlags(flags uint32) fuse.OpenFlags {
	switch {
	case f.cfg.ReadOnly:
		return 0
	case flags&unix.O_DIRECT != 0:
		return fuse.OpenDirectIO | fuse.OpenParallelDirectWrites | fuse.OpenKeepCache
	}
	return fuse.OpenKeepCache
}

// Open opens a file.
func (f *FS) Open(r fuse.OpenRequest) {
	if r.Node == pollNode {
		_ = r.Reply(fuse.Opened{})
		return
	}
	h, err := f.open(r.Node, r.Flags, r.KillSuidgid)
	answer(r.Request, err, func() error { return r.Reply(fuse.Opened{Handle: h.id, Flags: f.openFlags(r.Flags)}) }, func() { f.release(h) })
}

func (f *FS) open(id fuse.NodeID, flags uint32, kill bool) (*handle, error) {
	n, err := f.table.get(id)
	if err != nil {
		return nil, err
	}
	writer := flags&unix.O_ACCMODE != unix.O_RDONLY
	if writer && f.cfg.ReadOnly {
		return nil, unix.EROFS
	}
	fd, err := f.openNode(n, writer)
	if err != nil {
		return nil, err
	}
	h := f.newHandle(n, fd, writer)
	if writer {
		f.learnContent(n, fd)
	}
	if writer && flags&unix.O_TRUNC != 0 {
		if err := f.truncate(h, kill); err != nil {
			f.release(h)
			return nil, err
		}
	}
	return h, nil
}

func (f *FS) openNode(n *node, writer bool) (int, error) {
	flags := unix.O_RDONLY | unix.O_NOATIME
	if writer {
		flags = unix.O_RDWR | unix.O_NOATIME
	}
	f.ns.RLock()
	defer f.ns.RUnlock()
	if rel, ok := f.table.path(n); ok {
		fd, err := f.root.Open(rel, flags|unix.O_NOFOLLOW, 0)
		if err != nil {
			return -1, err
		}
		if st, err := (backing.Object{FD: fd}).Stat(); err != nil || st.Ino != n.ino {
			unix.Close(fd)
			return -1, unix.ESTALE
		}
		return fd, nil
	}
	fd, err := f.table.anyFD(n)
	if err != nil {
		return -1, err
	}
	defer unix.Close(fd)
	return backing.Object{FD: fd}.Reopen(flags)
}

// learnContent finds out, once per node, whether its changes are tracked.
func (f *FS) learnContent(n *node, fd int) {
	if n.tracked.Load() != contentUnknown {
		return
	}
	state := contentTracked
	if (backing.Object{FD: fd}).ContentID().IsZero() {
		state = contentNone
	}
	if n.tracked.CompareAndSwap(contentUnknown, state) && state == contentNone {
		f.addFresh(n, freshLimit)
	}
}

// Release closes a handle.
func (f *FS) Release(r fuse.ReleaseRequest) {
	if h, err := f.handle(r.Handle); err == nil {
		f.release(h)
	}
	_ = r.Reply(nil)
}

func (f *FS) release(h *handle) {
	f.hmu.Lock()
	delete(f.handles, h.id)
	f.hmu.Unlock()
	writers, _ := f.table.closed(h.node, h.fd, h.writer)
	if h.writer && f.flow != nil {
		f.flow.RLock()
		h.node.mu.Lock()
		f.sendTimes(h.node, h.fd)
		if writers == 0 {
			f.unbind(h.node)
		}
		h.node.mu.Unlock()
		f.flow.RUnlock()
	}
	unix.Close(h.fd)
	f.table.unpin(h.node)
}

// sendTimes tells the peer the modification time that the last writes left. n.mu
// and the flow's order are held.
func (f *FS) sendTimes(n *node, fd int) *peer.Ticket {
	s := f.flow.Session()
	if !n.times || s == nil || n.bound != s {
		return nil
	}
	st, err := backing.Object{FD: fd}.Stat()
	if err != nil {
		return nil
	}
	n.times = false
	return f.flow.Send(&wire.Change{Op: wire.OpSetAttr, Dir: f.cfg.Dir, File: f.file(n), Flags: wire.AttrMtime, Attr: backing.WireAttr(&st)})
}

// FlushTimes sends every modification time that is owed.
func (f *FS) FlushTimes() {
	f.hmu.Lock()
	var open []*handle
	for _, h := range f.handles {
		if h.writer {
			open = append(open, h)
		}
	}
	f.hmu.Unlock()
	for _, h := range open {
		fd, err := f.table.anyFD(h.node)
		if err != nil {
			continue
		}
		f.flow.RLock()
		h.node.mu.Lock()
		f.sendTimes(h.node, fd)
		h.node.mu.Unlock()
		f.flow.RUnlock()
		unix.Close(fd)
	}
}

// Read reads from a file.
func (f *FS) Read(r fuse.ReadRequest) {
	go func() {
		h, err := f.handle(r.Handle)
		if err != nil {
			_ = r.ReplyError(err)
			return
		}
		buf := r.Buffer()
		n := 0
		for n < len(buf) {
			m, err := unix.Pread(h.fd, buf[n:], r.Offset+int64(n))
			if err == unix.EINTR {
				continue
			}
			if err != nil {
				_ = r.ReplyError(err)
				return
			}
			if m == 0 {
				break
			}
			n += m
		}
		_ = r.Reply(buf[:n])
	}()
}

// Flush answers close(2).
func (f *FS) Flush(r fuse.FlushRequest) { _ = r.Reply(nil) }

// Fsync makes a file durable on this node; with async="none" the peer has done
// so before it acknowledged the writes.
func (f *FS) Fsync(r fuse.FsyncRequest) {
	go func() {
		h, err := f.handle(r.Handle)
		if err == nil {
			err = f.fsync(h, r.DataOnly)
		}
		_ = r.Reply(err)
	}()
}

func (f *FS) fsync(h *handle, dataOnly bool) error {
	if f.flow != nil && h.writer {
		f.flow.RLock()
		h.node.mu.Lock()
		t := f.sendTimes(h.node, h.fd)
		h.node.mu.Unlock()
		f.flow.RUnlock()
		if t != nil {
			if err := f.flow.Wait(t); err != nil {
				return err
			}
		}
	}
	if dataOnly {
		return unix.Fdatasync(h.fd)
	}
	return unix.Fsync(h.fd)
}

// Lseek finds data and holes.
func (f *FS) Lseek(r fuse.LseekRequest) {
	h, err := f.handle(r.Handle)
	var off int64
	if err == nil {
		off, err = unix.Seek(h.fd, r.Offset, int(r.Whence))
	}
	answer(r.Request, err, func() error { return r.Reply(off) }, nil)
}
