// Package dirty knows which bytes the peer may lack. Set is the exact map, one
// bit per block; Hot is the activity log on disk that survives a power cut;
// Tracker joins both and moves blocks between "the peer lacks it", "the peer has
// it in memory" and "both have it on disk".
//
// Files are named by the inode number of the local file system, so a rename costs
// nothing. The packages above look names up when they walk the tree.
//
// It promises: a block is forgotten only after the peer said that it is stable
// there; a range is in the activity log, on disk, before it may be written; a
// map that was damaged on disk is noticed. It starts no goroutine.
package dirty
