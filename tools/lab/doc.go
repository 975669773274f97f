// Package lab makes several nodes out of one machine: each with its own
// network, mount, process and host name namespace, its own disk (an ext4 image
// with /opt/safekit, /var/safekit, /srv and libvirt's folders on it), joined by
// two networks through a switch that can be cut and healed per node and per
// network. A power cut loses what the node had not synced: the network goes
// first, so that no goodbye escapes, then the file system is shut down without
// flushing, then every process dies at once.
//
// The demo, the integration tests and the benchmarks all use it, so that what a
// newcomer sees is what the tests run. It needs root, /dev/fuse and ext4.
//
//	         switch namespace
//	    ┌─ bridge office ─┐      ┌─ bridge xlink ─┐
//	    │                 │      │                │
//	node1:office     node2:office    node1:xlink   node2:xlink
//	10.99.1.1        10.99.1.2       10.99.2.1     10.99.2.2
//
// A program that uses the package calls Main first thing in main or TestMain:
// the first process of each node is the same executable.
package lab
