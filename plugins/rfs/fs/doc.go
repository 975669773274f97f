// Package fs is the file system that users see: a fuse.Handler over a held
// directory, whose modifications also go to the peer.
//
// Each modification passes the gate of package flow, is applied to the directory
// and sent to the peer, and is answered when both have it. Changes of names take
// the tree's lock (ns) and so form one total order; changes of one file take that
// file's lock; data of different files flow independently. Locks are taken in the
// order flow, ns, node, table.
//
// On a secondary the same handler shows the directory read-only; the changes come
// from package apply, behind the kernel's back, so nothing is cached for long.
//
// The package starts one goroutine per write and fsync, which end when the
// request is answered.
package fs
