package fs

import (
	"golang.org/x/sys/unix"

	"github.com/safehold/safehold/plugins/rfs/backing"
	"github.com/safehold/safehold/plugins/rfs/fuse"
	"github.com/safehold/safehold/plugins/rfs/peer"
	"github.com/safehold/safehold/plugins/rfs/wire"
)

// modify carries a change of the bytes [off, off+n) of a file through the flow.
// When the file is tracked, the range is in the activity log before apply runs
// and in the dirty map while the flow's order is held.
func (f *FS) modify(n *node, off, length int64, apply func() ([]*peer.Ticket, error)) error {
	if f.cfg.ReadOnly {
		return unix.EROFS
	}
	if err := f.flow.Enter(); err != nil {
		return err
	}
	defer f.flow.Leave()
	hot := false
	defer func() {
		if hot {
			f.flow.Tracker.Hot.End(f.key(n), off, length)
		}
	}()
	for {
		if !hot && n.tracked.Load() == contentTracked {
			if err := f.flow.Tracker.Hot.Begin(f.key(n), off, length); err != nil {
				f.cfg.Fault(err)
				return err
			}
			hot = true
		}
		f.flow.RLock()
		if hot || n.tracked.Load() != contentTracked {
			break
		}
		f.flow.RUnlock() // it became tracked in between
	}
	if hot {
		f.flow.Tracker.Mark(f.key(n), off, length)
	}
	f.wrote(n)
	tickets, err := apply()
	f.flow.RUnlock()
	f.suspect(err)
	if err != nil && len(tickets) == 0 {
		return err
	}
	if werr := f.flow.Wait(tickets...); err == nil {
		err = werr
	}
	return err
}

// Write writes to a file.
func (f *FS) Write(r fuse.WriteRequest) {
	go func() {
		h, err := f.handle(r.Handle)
		n := 0
		if err == nil {
			n, err = f.write(h, r)
		}
		if err != nil && n == 0 {
			_ = r.ReplyError(err)
			return
		}
		_ = r.Reply(n)
	}()
}

func (f *FS) write(h *handle, r fuse.WriteRequest) (int, error) {
	if len(r.Data) == 0 {
		return 0, nil
	}
	written := 0
	err := f.modify(h.node, r.Offset, int64(len(r.Data)), func() (tickets []*peer.Ticket, err error) {
		file := f.lockBound(h.node)
		defer h.node.mu.Unlock()
		h.node.times = true
		t := f.flow.SendWrite(file, r.Offset, r.Data)
		written, err = pwrite(h.fd, r.Data, r.Offset)
		if err != nil && file != 0 {
			tickets = f.repair(h, file, r.Offset, int64(len(r.Data)))
		}
		if r.KillSuidgid && err == nil {
			tickets = append(tickets, f.kill(h, file)...)
		}
		return append(tickets, t), err
	})
	if err == nil && r.Flags&unix.O_DSYNC != 0 {
		err = unix.Fdatasync(h.fd)
		if err != nil {
			written = 0
		}
	}
	return written, err
}

func pwrite(fd int, b []byte, off int64) (int, error) {
	n := 0
	for n < len(b) {
		m, err := unix.Pwrite(fd, b[n:], off+int64(n))
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return n, err
		}
		n += m
	}
	return n, nil
}

// repair undoes at the peer what failed here: it sends the size and the bytes
// that the range really has. n.mu is held.
func (f *FS) repair(h *handle, file uint64, off, length int64) []*peer.Ticket {
	st, err := backing.Object{FD: h.fd}.Stat()
	if err != nil {
		return nil
	}
	tickets := f.send(&wire.Change{Op: wire.OpTruncate, File: file, Off: st.Size})
	buf := make([]byte, max(min(length, st.Size-off), 0))
	if n, err := unix.Pread(h.fd, buf, off); err == nil && n > 0 {
		tickets = append(tickets, f.flow.SendWrite(file, off, buf[:n]))
	}
	return tickets
}

// kill drops set-id bits after a write. n.mu is held.
func (f *FS) kill(h *handle, file uint64) []*peer.Ticket {
	o := backing.Object{FD: h.fd}
	before, err := o.Stat()
	if err != nil || killSuidgid(o) != nil {
		return nil
	}
	st, err := o.Stat()
	if err != nil || st.Mode == before.Mode || file == 0 {
		return nil
	}
	return f.send(&wire.Change{Op: wire.OpSetAttr, File: file, Flags: wire.AttrMode, Attr: backing.WireAttr(&st)})
}

// truncate empties a file that is opened with O_TRUNC.
func (f *FS) truncate(h *handle, kill bool) error {
	st, err := backing.Object{FD: h.fd}.Stat()
	if err != nil {
		return err
	}
	return f.modify(h.node, 0, st.Size, func() ([]*peer.Ticket, error) {
		file := f.lockBound(h.node)
		defer h.node.mu.Unlock()
		if err := unix.Ftruncate(h.fd, 0); err != nil {
			return nil, err
		}
		h.node.times = true
		var tickets []*peer.Ticket
		if file != 0 {
			tickets = f.send(&wire.Change{Op: wire.OpTruncate, File: file})
		}
		if kill {
			tickets = append(tickets, f.kill(h, file)...)
		}
		return tickets, nil
	})
}

// Fallocate allocates, punches or zeroes a range.
func (f *FS) Fallocate(r fuse.FallocateRequest) {
	h, err := f.handle(r.Handle)
	if err == nil {
		err = f.modify(h.node, r.Offset, r.Length, func() ([]*peer.Ticket, error) {
			file := f.lockBound(h.node)
			defer h.node.mu.Unlock()
			if err := unix.Fallocate(h.fd, r.Mode, r.Offset, r.Length); err != nil {
				return nil, err
			}
			h.node.times = true
			if file == 0 {
				return nil, nil
			}
			return f.send(&wire.Change{Op: wire.OpFallocate, File: file, Flags: r.Mode, Off: r.Offset, Len: r.Length}), nil
		})
	}
	_ = r.Reply(err)
}
