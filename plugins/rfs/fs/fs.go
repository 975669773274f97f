package fs

import (
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/safehold/safehold/plugins/rfs/backing"
	"github.com/safehold/safehold/plugins/rfs/dirty"
	"github.com/safehold/safehold/plugins/rfs/flow"
	"github.com/safehold/safehold/plugins/rfs/fuse"
	"github.com/safehold/safehold/plugins/rfs/peer"
	"github.com/safehold/safehold/plugins/rfs/wire"
)

// Config of a file system.
type Config struct {
	Dir      uint16 // its index on the wire and in the dirty map
	Root     *backing.Root
	Filter   *backing.Filter
	Flow     *flow.Flow // nil: read-only
	ReadOnly bool
	// Fault hears of errors of this node's disk, which the application gets too.
	Fault func(error)
}

// FS is one replicated directory as users see it.
type FS struct {
	fuse.Unimplemented
	cfg   Config
	root  *backing.Root
	flow  *flow.Flow
	table *table
	valid time.Duration // of names and attributes in the kernel

	// ns orders changes of names: they hold it for writing, whoever uses a path
	// for reading.
	ns sync.RWMutex

	hmu     sync.Mutex // guards handles and nextHandle
	handles map[fuse.HandleID]*handle
	nextH   fuse.HandleID

	fmu   sync.Mutex // guards everything below
	fresh map[*node]struct{}
	watch Watcher
}

// Watcher hears of changes that a resynchronisation in progress must know. It is
// called with the flow's order held, and must not block.
type Watcher interface {
	// Touched: something changed in the directory, while no peer followed.
	Touched(dir uint16, rel string)
	// Wrote: the content of a file is being changed, while no peer followed.
	Wrote(dir uint16, rel string, ino uint64)
	// Moved and Linked: names changed, while the peer followed.
	Moved(dir uint16, from, to string, exchange bool)
	Linked(dir uint16, from, to string)
}

// New makes a file system over an open directory.
func New(cfg Config) (*FS, error) {
	st, err := cfg.Root.Lstat("")
	if err != nil {
		return nil, fmt.Errorf("stat %s: %w", cfg.Root.Path, err)
	}
	f := &FS{cfg: cfg, root: cfg.Root, flow: cfg.Flow, table: newTable(st.Ino), valid: 30 * time.Second,
		handles: map[fuse.HandleID]*handle{}, nextH: 1, fresh: map[*node]struct{}{}}
	if cfg.ReadOnly {
		f.valid = 0
	}
	return f, nil
}

// Watch sets who hears of changes, nil: nobody. The flow's Lock is held.
func (f *FS) Watch(w Watcher) {
	f.fmu.Lock()
	defer f.fmu.Unlock()
	f.watch = w
}

func (f *FS) watcher() Watcher {
	f.fmu.Lock()
	defer f.fmu.Unlock()
	return f.watch
}

// touched reports a change in rel's directory, and in rel itself when dir.
func (f *FS) touched(rel string, dir bool) {
	w := f.watcher()
	if w == nil || f.flow.Session() != nil {
		return
	}
	parent, _ := backing.Split(rel)
	w.Touched(f.cfg.Dir, parent)
	if dir {
		w.Touched(f.cfg.Dir, rel)
	}
}

// wrote reports a change of content.
func (f *FS) wrote(n *node) {
	w := f.watcher()
	if w == nil || f.flow.Session() != nil {
		return
	}
	if rel, ok := f.table.path(n); ok && f.cfg.Filter.Replicated(rel, false) {
		w.Wrote(f.cfg.Dir, rel, n.ino)
	}
}

// key names a node in the dirty map.
func (f *FS) key(n *node) dirty.Key { return dirty.Key{Dir: f.cfg.Dir, Ino: n.ino} }

// file is the number of a node on the wire.
func (f *FS) file(n *node) uint64 { return uint64(f.cfg.Dir)<<48 | uint64(n.id) }

// mutate carries one modification through the flow. apply runs with the flow's
// order held and returns what was sent; done, if any, runs before Leave.
func (f *FS) mutate(apply func() ([]*peer.Ticket, error)) error {
	if f.cfg.ReadOnly {
		return unix.EROFS
	}
	if err := f.flow.Enter(); err != nil {
		return err
	}
	defer f.flow.Leave()
	f.flow.RLock()
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

// suspect reports an error of this node's disk.
func (f *FS) suspect(err error) {
	if errors.Is(err, unix.EIO) || errors.Is(err, unix.EUCLEAN) {
		f.cfg.Fault(err)
	}
}

// send puts a change of a replicated name on its way.
func (f *FS) send(c *wire.Change) []*peer.Ticket {
	c.Dir = f.cfg.Dir
	return []*peer.Ticket{f.flow.Send(c)}
}

// local is what a change that is not replicated "sent".
func local() []*peer.Ticket { return nil }

// bind makes the peer open the file, so that data frames can name it; 0 when
// there is no peer or the file is not there. ns and n.mu are held.
func (f *FS) bind(n *node) uint64 {
	s := f.flow.Session()
	if s == nil {
		return 0
	}
	if n.bound == s {
		return f.file(n)
	}
	rel, ok := f.table.path(n)
	if !ok || n.gone || !f.cfg.Filter.Replicated(rel, false) {
		return 0
	}
	if f.flow.Send(&wire.Change{Op: wire.OpBind, Dir: f.cfg.Dir, File: f.file(n), Path: rel}) == nil {
		return 0
	}
	n.bound = s
	return f.file(n)
}

// lockBound takes n.mu with the file bound at the peer, if there is one.
func (f *FS) lockBound(n *node) uint64 {
	n.mu.Lock()
	if s := f.flow.Session(); s == nil || n.bound == s {
		if s == nil {
			return 0
		}
		return f.file(n)
	}
	n.mu.Unlock()
	f.ns.RLock()
	defer f.ns.RUnlock()
	n.mu.Lock()
	return f.bind(n)
}

// unbind lets the peer close the file. n.mu and the flow's order are held.
func (f *FS) unbind(n *node) {
	if s := f.flow.Session(); s != nil && n.bound == s {
		f.flow.Send(&wire.Change{Op: wire.OpUnbind, Dir: f.cfg.Dir, File: f.file(n)})
	}
	n.bound = nil
}

// object opens the inode behind a node and gives its path, "" with named false
// when it has none any more. ns is held.
func (f *FS) object(n *node) (o backing.Object, rel string, named bool, err error) {
	rel, named = f.table.path(n)
	if named {
		o, err = f.root.Object(rel)
		if err == nil {
			st, serr := o.Stat()
			if serr == nil && st.Ino == n.ino {
				return o, rel, true, nil
			}
			o.Close()
		}
		if err != nil && !errors.Is(err, unix.ENOENT) {
			return o, rel, false, err
		}
	}
	fd, err := f.table.anyFD(n)
	return backing.Object{FD: fd}, "", false, err
}

// parentTime is the modification time of the directory that holds rel.
func (f *FS) parentTime(rel string) wire.Time {
	parent, _ := backing.Split(rel)
	st, err := f.root.Lstat(parent)
	if err != nil {
		return wire.Time{}
	}
	return backing.WireTime(st.Mtim)
}

func newID() (id wire.ID) {
	_, _ = rand.Read(id[:])
	return id
}

func (f *FS) entry(n *node, st *unix.Stat_t) fuse.Entry {
	return fuse.Entry{Node: n.id, Attr: fuse.AttrFromStat(st), EntryValid: f.valid, AttrValid: f.valid}
}
