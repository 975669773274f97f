package fs

import (
	"golang.org/x/sys/unix"

	"github.com/safehold/safehold/plugins/rfs/backing"
	"github.com/safehold/safehold/plugins/rfs/blocks"
	"github.com/safehold/safehold/plugins/rfs/dirty"
	"github.com/safehold/safehold/plugins/rfs/peer"
	"github.com/safehold/safehold/plugins/rfs/wire"
)

// Source is a file that a resynchronisation copies while the application may
// write to it. Each step takes the file's lock, so that what is copied and what
// is written reach the peer in the order in which they happened here.
type Source struct {
	f  *FS
	n  *node
	FD int // open for reading
}

// Source opens the file that has this inode under one of the paths; false when
// it is under none of them any more.
func (f *FS) Source(paths []string, ino uint64) (*Source, bool, error) {
	f.flow.RLock()
	defer f.flow.RUnlock()
	f.ns.RLock()
	defer f.ns.RUnlock()
	for _, rel := range paths {
		st, err := f.root.Lstat(rel)
		if err != nil || st.Ino != ino || st.Mode&unix.S_IFMT != unix.S_IFREG {
			continue
		}
		fd, err := f.root.Open(rel, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NOATIME, 0)
		if err != nil {
			return nil, false, err
		}
		n, ok := f.enterPath(rel, &st)
		if !ok {
			unix.Close(fd)
			return nil, false, nil
		}
		return &Source{f, n, fd}, true, nil
	}
	return nil, false, nil
}

// Key names the file in the dirty map.
func (s *Source) Key() dirty.Key { return s.f.key(s.n) }

// locked calls do with the file bound at the peer; file is 0 when the peer is
// gone or the file has no name any more.
func (s *Source) locked(do func(file uint64) error) error {
	s.f.flow.RLock()
	defer s.f.flow.RUnlock()
	file := s.f.lockBound(s.n)
	defer s.n.mu.Unlock()
	return do(file)
}

// Begin makes the peer's copy as long as the file and gives the size, and the
// number by which the peer knows it; 0 when there is nothing to copy to.
func (s *Source) Begin() (size int64, file uint64, err error) {
	err = s.locked(func(n uint64) error {
		file = n
		st, err := backing.Object{FD: s.FD}.Stat()
		if err != nil || file == 0 {
			return err
		}
		size = st.Size
		s.f.send(&wire.Change{Op: wire.OpTruncate, File: file, Off: size})
		return nil
	})
	return size, file, err
}

// Copy sends what [off, off+n) holds now, holes as holes when punch, and gives
// the bytes of data and what to wait for.
func (s *Source) Copy(off, n int64, punch bool) (moved int64, tickets []*peer.Ticket, err error) {
	err = s.locked(func(file uint64) error {
		if file == 0 {
			return nil
		}
		st, err := backing.Object{FD: s.FD}.Stat()
		if err != nil {
			return err
		}
		end := min(off+n, st.Size)
		data, err := blocks.Data(s.FD, off, end)
		if err != nil {
			return err
		}
		for at := off; at < end; {
			hole := end
			if len(data) > 0 {
				hole = data[0].Off
			}
			if hole > at {
				if punch {
					tickets = append(tickets, s.f.send(&wire.Change{Op: wire.OpFallocate, File: file,
						Flags: unix.FALLOC_FL_PUNCH_HOLE | unix.FALLOC_FL_KEEP_SIZE, Off: at, Len: hole - at})...)
				}
				at = hole
				continue
			}
			buf := make([]byte, min(data[0].Len, 1<<20))
			m, err := blocks.ReadAt(s.FD, buf, at)
			if err != nil || m == 0 {
				return err
			}
			tickets = append(tickets, s.f.flow.SendWrite(file, at, buf[:m]))
			at, moved = at+int64(m), moved+int64(m)
			data[0].Off, data[0].Len = data[0].Off+int64(m), data[0].Len-int64(m)
			if data[0].Len == 0 {
				data = data[1:]
			}
		}
		return nil
	})
	return moved, tickets, err
}

// Close gives the peer's copy the times of the file and lets go of it.
func (s *Source) Close() error {
	err := s.locked(func(file uint64) error {
		if file == 0 {
			return nil
		}
		st, err := backing.Object{FD: s.FD}.Stat()
		if err != nil {
			return err
		}
		s.f.send(&wire.Change{Op: wire.OpSetAttr, File: file, Flags: ^uint32(0), Attr: backing.WireAttr(&st)})
		if s.f.table.writersOf(s.n) == 0 {
			s.f.unbind(s.n)
		}
		return nil
	})
	unix.Close(s.FD)
	s.f.table.unpin(s.n)
	return err
}
