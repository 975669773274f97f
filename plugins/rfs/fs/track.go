package fs

import (
	"math"

	"golang.org/x/sys/unix"

	"github.com/safehold/safehold/plugins/rfs/backing"
	"github.com/safehold/safehold/plugins/rfs/fuse"
	"github.com/safehold/safehold/plugins/rfs/peer"
	"github.com/safehold/safehold/plugins/rfs/wire"
)

// A file's content gets its identity in three steps, so that the identity on disk
// always means "all differences since are in the map or the log": its changes are
// tracked from now on; everything before is stable on both nodes; the identity is
// written on both.

// freshLimit bounds the files that wait for their identity; others stay without
// one, and are compared whole, until they are opened again.
const freshLimit = 20000

func (f *FS) addFresh(n *node, limit int) {
	f.fmu.Lock()
	defer f.fmu.Unlock()
	if _, ok := f.fresh[n]; !ok && len(f.fresh) < limit && !f.cfg.ReadOnly {
		f.fresh[n] = struct{}{}
		f.table.pin(n)
	}
}

func (f *FS) dropFresh(n *node) {
	f.fmu.Lock()
	_, ok := f.fresh[n]
	delete(f.fresh, n)
	f.fmu.Unlock()
	if ok {
		f.table.unpin(n)
	}
}

// Fresh is a file whose content is about to get its identity.
type Fresh struct{ n *node }

// TrackFresh begins to track every file without identity that was touched, and
// gives them. The flow's Lock is held.
func (f *FS) TrackFresh() []Fresh {
	f.fmu.Lock()
	defer f.fmu.Unlock()
	out := make([]Fresh, 0, len(f.fresh))
	for n := range f.fresh {
		n.tracked.Store(contentTracked)
		out = append(out, Fresh{n})
	}
	return out
}

// HasFresh tells whether files wait for their identity.
func (f *FS) HasFresh() bool {
	f.fmu.Lock()
	defer f.fmu.Unlock()
	return len(f.fresh) > 0
}

// Track begins to track the file at rel, whose inode is known; false when it is
// not there any more. Writes that began before end when the flow's Lock was had
// once. Each success is ended by Identify.
func (f *FS) Track(rel string, ino uint64) (Fresh, bool) {
	f.flow.RLock()
	defer f.flow.RUnlock()
	f.ns.RLock()
	defer f.ns.RUnlock()
	st, err := f.root.Lstat(rel)
	if err != nil || st.Ino != ino {
		return Fresh{}, false
	}
	n, ok := f.enterPath(rel, &st)
	if !ok {
		return Fresh{}, false
	}
	n.tracked.Store(contentTracked)
	f.addFresh(n, math.MaxInt)
	f.table.unpin(n)
	return Fresh{n}, true
}

// enterPath gives the node of a path, with a pin. ns is held.
func (f *FS) enterPath(rel string, st *unix.Stat_t) (*node, bool) {
	parent, name := backing.Split(rel)
	if name == "" {
		return nil, false
	}
	dir, err := f.table.get(fuse.RootID)
	if err != nil {
		return nil, false
	}
	if parent != "" {
		pst, err := f.root.Lstat(parent)
		if err != nil {
			return nil, false
		}
		var ok bool
		if dir, ok = f.enterPath(parent, &pst); !ok {
			return nil, false
		}
		defer f.table.unpin(dir)
	}
	return f.table.enter(dir, name, st, false), true
}

// Identify writes the identity of a tracked file on both nodes, if the peer that
// made it stable still follows.
func (f *FS) Identify(x Fresh, s *peer.Session) {
	f.flow.RLock()
	defer f.flow.RUnlock()
	if f.flow.Session() != s {
		return
	}
	f.ns.RLock()
	defer f.ns.RUnlock()
	x.n.mu.Lock()
	defer x.n.mu.Unlock()
	defer f.dropFresh(x.n)
	rel, ok := f.table.path(x.n)
	if !ok || x.n.gone || !f.cfg.Filter.Replicated(rel, false) {
		return
	}
	o, err := f.root.Object(rel)
	if err != nil {
		return
	}
	defer o.Close()
	if st, err := o.Stat(); err != nil || st.Ino != x.n.ino {
		return
	}
	id := o.ContentID()
	if id.IsZero() {
		id = newID()
		if err := o.SetContentID(id); err != nil {
			x.n.tracked.Store(contentNone)
			return
		}
	}
	f.flow.Send(&wire.Change{Op: wire.OpSetID, Dir: f.cfg.Dir, Path: rel, ID: id})
}
