// Package rfs is the built-in replicator: it keeps directories equal on two
// nodes while an application works in them on one. It implements api.Replicator;
// the words of that contract are its specification.
//
//	rfs          roles: what an Assignment does is the lifetime of one value
//	fs           what users see: fuse.Handler over the held directory
//	flow         gate, order and session of modifications
//	apply        the secondary's side of a session
//	resync       the primary brings a secondary up to date
//	rescue       keeps what a node wrote apart
//	peer, wire   session over TLS, and its frames
//	dirty, state what must not be forgotten
//	backing      the directory under the mount
//	blocks       data, holes and digests of a file
//
// A Replicator owns all goroutines below it; assigning DataIdle ends them.
//
// The process's umask is set to 0 by Configure, because permissions of new files
// are computed from the caller's umask.
package rfs
