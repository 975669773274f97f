package fs

import (
	"bytes"
	"encoding/binary"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/safehold/safehold/plugins/rfs/fuse"
)

// listing is what an open directory showed when it was last read from its start,
// so that offsets stay valid while names change.
type listing struct {
	mu      sync.Mutex // guards entries
	entries []fuse.DirEntry
	read    bool
}

// Opendir opens a directory.
func (f *FS) Opendir(r fuse.OpendirRequest) {
	n, err := f.table.get(r.Node)
	var h *handle
	if err == nil {
		var fd int
		if fd, err = f.openNode(n, false); err == nil {
			h = f.newHandle(n, fd, false)
		}
	}
	answer(r.Request, err, func() error { return r.Reply(fuse.Opened{Handle: h.id}) }, func() { f.release(h) })
}

// Releasedir closes a directory.
func (f *FS) Releasedir(r fuse.ReleasedirRequest) {
	if h, err := f.handle(r.Handle); err == nil {
		f.release(h)
	}
	_ = r.Reply(nil)
}

// Fsyncdir makes a directory durable on this node.
func (f *FS) Fsyncdir(r fuse.FsyncdirRequest) {
	h, err := f.handle(r.Handle)
	if err == nil {
		err = unix.Fsync(h.fd)
	}
	_ = r.Reply(err)
}

// Readdir lists names.
func (f *FS) Readdir(r fuse.ReaddirRequest) {
	_, entries, err := f.entries(r.Handle, r.Offset)
	if err != nil {
		_ = r.ReplyError(err)
		return
	}
	for _, e := range entries {
		if !r.Add(e) {
			break
		}
	}
	_ = r.Reply()
}

// ReaddirPlus lists names with their attributes.
func (f *FS) ReaddirPlus(r fuse.ReaddirPlusRequest) {
	h, entries, err := f.entries(r.Handle, r.Offset)
	if err != nil {
		_ = r.ReplyError(err)
		return
	}
	var given []fuse.NodeID
	f.ns.RLock()
	for _, e := range entries {
		if !r.Fits(e.Name) {
			break
		}
		entry := f.plus(h, e)
		if !r.Add(e, entry) {
			break
		}
		if entry.Node != 0 {
			given = append(given, entry.Node)
		}
	}
	f.ns.RUnlock()
	if r.Reply() == fuse.ErrGone {
		for _, id := range given {
			f.forgetOne(id)
		}
	}
}

// plus looks an entry up; a name that vanished gets no node. ns is held.
func (f *FS) plus(h *handle, e fuse.DirEntry) fuse.Entry {
	if e.Name == "." || e.Name == ".." {
		return fuse.Entry{}
	}
	var st unix.Stat_t
	if err := unix.Fstatat(h.fd, e.Name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return fuse.Entry{}
	}
	if _, ok := f.table.path(h.node); !ok {
		return fuse.Entry{}
	}
	return f.entry(f.table.enter(h.node, e.Name, &st, true), &st)
}

func (f *FS) entries(id fuse.HandleID, off uint64) (*handle, []fuse.DirEntry, error) {
	h, err := f.handle(id)
	if err != nil {
		return nil, nil, err
	}
	if h.list == nil {
		return nil, nil, unix.ENOTDIR
	}
	h.list.mu.Lock()
	defer h.list.mu.Unlock()
	if off == 0 || !h.list.read {
		if h.list.entries, err = readDir(h.fd); err != nil {
			return nil, nil, err
		}
		h.list.read = true
	}
	if off > uint64(len(h.list.entries)) {
		return h, nil, nil
	}
	return h, h.list.entries[off:], nil
}

// readDir reads a whole directory with getdents64(2).
func readDir(fd int) ([]fuse.DirEntry, error) {
	if _, err := unix.Seek(fd, 0, 0); err != nil {
		return nil, err
	}
	const header = 19 // ino, off, reclen, type
	buf := make([]byte, 64<<10)
	var out []fuse.DirEntry
	for {
		n, err := unix.Getdents(fd, buf)
		if err != nil {
			return nil, err
		}
		if n == 0 {
			return out, nil
		}
		for b := buf[:n]; len(b) > header; {
			size := int(binary.NativeEndian.Uint16(b[16:]))
			if size <= header || size > len(b) {
				return nil, unix.EIO
			}
			name, _, _ := bytes.Cut(b[header:size], []byte{0})
			out = append(out, fuse.DirEntry{Ino: binary.NativeEndian.Uint64(b), Type: b[18], Name: string(name), Offset: uint64(len(out) + 1)})
			b = b[size:]
		}
	}
}
