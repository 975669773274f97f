// Package backing is the directory underneath the mount. Root holds it open; all
// access goes through *at calls below that descriptor, never through the path,
// which the mount covers. Nothing outside the directory can be reached: links,
// ".." and other file systems are refused by the kernel (openat2).
//
// Object is one file reached that way, by an O_PATH or an open descriptor. The
// package keeps no state beside descriptors and starts no goroutine.
package backing
