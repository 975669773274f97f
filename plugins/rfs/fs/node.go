package fs

import (
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/safehold/safehold/plugins/rfs/backing"
	"github.com/safehold/safehold/plugins/rfs/fuse"
	"github.com/safehold/safehold/plugins/rfs/peer"
)

// node is one inode the kernel knows, or that the file system keeps for itself.
type node struct {
	id  fuse.NodeID
	ino uint64
	typ uint32 // S_IFMT bits

	mu    sync.Mutex // orders changes of this inode; guards the next three
	bound *peer.Session
	times bool // its modification time was not sent since it changed
	gone  bool // no name is left

	tracked atomic.Uint32 // a content constant

	// Guarded by table.mu:
	links    []link
	lookups  uint64
	pins     int // handles, children, and those that keep it for a while
	writers  int // handles opened for writing
	fds      []int
	kept     int // O_PATH descriptor of an inode without a name that the kernel still knows; 0: none
	unlinked bool
}

// What is known of a file's content identity.
const (
	contentUnknown uint32 = iota
	contentNone           // no identity: always compared whole
	contentTracked        // changes are in the dirty map and the activity log
)

type link struct {
	parent *node
	name   string
}

// table finds nodes by number and by inode.
type table struct {
	mu    sync.Mutex // guards everything below, and parts of every node
	next  fuse.NodeID
	byID  map[fuse.NodeID]*node
	byIno map[uint64]*node
}

func newTable(rootIno uint64) *table {
	root := &node{id: fuse.RootID, ino: rootIno, typ: unix.S_IFDIR, pins: 1}
	return &table{next: fuse.RootID + 1, byID: map[fuse.NodeID]*node{root.id: root}, byIno: map[uint64]*node{rootIno: root}}
}

func (t *table) get(id fuse.NodeID) (*node, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := t.byID[id]; n != nil {
		return n, nil
	}
	return nil, unix.ESTALE
}

// enter gives the node of an inode found as name in parent, made if needed,
// with one more lookup or one more pin.
func (t *table) enter(parent *node, name string, st *unix.Stat_t, lookup bool) *node {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.byIno[st.Ino]
	if n == nil || n.typ != st.Mode&unix.S_IFMT {
		n = &node{id: t.next, ino: st.Ino, typ: st.Mode & unix.S_IFMT}
		t.next++
		t.byID[n.id], t.byIno[n.ino] = n, n
	}
	if lookup {
		n.lookups++
	} else {
		n.pins++
	}
	t.addLink(n, parent, name)
	return n
}

func (t *table) addLink(n, parent *node, name string) {
	for i, l := range n.links {
		if l.parent == parent && l.name == name {
			n.links[0], n.links[i] = n.links[i], n.links[0] // the freshest first
			return
		}
	}
	if n.id == fuse.RootID {
		return
	}
	if n.typ == unix.S_IFDIR { // a directory has one name
		t.dropLinks(n)
	}
	n.links = append([]link{{parent, name}}, n.links...)
	n.unlinked = false
	parent.pins++
}

func (t *table) dropLinks(n *node) {
	links := n.links
	n.links = nil
	for _, l := range links {
		t.unpinLocked(l.parent)
	}
}

// removeLink takes a name away; last tells that the inode has none left.
func (t *table) removeLink(n, parent *node, name string, last bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, l := range n.links {
		if l.parent == parent && l.name == name {
			n.links = append(n.links[:i:i], n.links[i+1:]...)
			t.unpinLocked(parent)
			break
		}
	}
	if last {
		t.dropLinks(n)
		n.unlinked = true
		if t.byIno[n.ino] == n {
			delete(t.byIno, n.ino)
		}
	}
}

// moveLink renames a link.
func (t *table) moveLink(n, op *node, on string, np *node, nn string) {
	t.removeLink(n, op, on, false)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.addLink(n, np, nn)
}

// child gives the node known as name in parent, with a pin, or nil.
func (t *table) child(ino uint64) *node {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.byIno[ino]
	if n != nil {
		n.pins++
	}
	return n
}

// path gives a path of the node; false when it has no name any more.
func (t *table) path(n *node) (string, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.pathLocked(n)
}

func (t *table) pathLocked(n *node) (string, bool) {
	if n.id == fuse.RootID {
		return "", true
	}
	if len(n.links) == 0 {
		return "", false
	}
	dir, ok := t.pathLocked(n.links[0].parent)
	return backing.Join(dir, n.links[0].name), ok
}

func (t *table) forget(list []fuse.Forgotten) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, x := range list {
		n := t.byID[x.Node]
		if n == nil || n.id == fuse.RootID {
			continue
		}
		n.lookups -= min(n.lookups, x.Count)
		t.collect(n)
	}
}

func (t *table) pin(n *node) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n.pins++
}

func (t *table) unpin(n *node) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.unpinLocked(n)
}

func (t *table) unpinLocked(n *node) {
	n.pins--
	t.collect(n)
}

// collect forgets a node that nobody knows.
func (t *table) collect(n *node) {
	if n.lookups > 0 || n.pins > 0 {
		return
	}
	delete(t.byID, n.id)
	if n.kept != 0 {
		unix.Close(n.kept)
		n.kept = 0
	}
	if t.byIno[n.ino] == n {
		delete(t.byIno, n.ino)
	}
	t.dropLinks(n)
}

// opened records a handle; closed takes it away and tells how many writers are left.
func (t *table) opened(n *node, fd int, writer bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n.pins++
	n.fds = append(n.fds, fd)
	if writer {
		n.writers++
	}
}

func (t *table) closed(n *node, fd int, writer bool) (writers, handles int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, x := range n.fds {
		if x == fd {
			n.fds = append(n.fds[:i:i], n.fds[i+1:]...)
			break
		}
	}
	if writer {
		n.writers--
	}
	return n.writers, len(n.fds)
}

// anyFD gives a descriptor of the inode, duplicated; it may be O_PATH.
func (t *table) anyFD(n *node) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fd := n.kept
	if len(n.fds) > 0 {
		fd = n.fds[0]
	}
	if fd == 0 {
		return -1, unix.ESTALE
	}
	return unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
}

// keep holds an inode that is about to lose its last name, so that whoever looked
// it up before can still open it. It takes the descriptor over.
func (t *table) keep(n *node, fd int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n.kept != 0 || t.byID[n.id] != n {
		unix.Close(fd)
		return
	}
	n.kept = fd
}

func (t *table) writersOf(n *node) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return n.writers
}
