// Package identity holds what a node proves itself with: the cluster's own
// certificate authority, the node's certificate, the cluster key and the keys
// of modules.
//
// What lies where, all in SAFEVAR/cluster, a 0700 folder of 0600 files:
//
//	ca.crt, ca.key      the authority: ECDSA P-256, valid 20 years
//	node.crt, node.key  this node's certificate, named by the URI
//	                    safehold://cluster/<id>/node/<name>
//	cluster.key         the shared secret and whether membership traffic is encrypted
//
// The private key of the authority lives on every node of the cluster. With
// two nodes there is no third place for it, and either node must be able to
// bring a replaced machine back when the other is lost. It travels only inside
// the cluster folder that `safekit -H "*" -G` copies over an authenticated
// channel, and never leaves by the API. Node keys never travel: each node
// makes its own and signs it with the authority it received. So root on one
// node can impersonate the other one, which it could do anyway: it holds the
// replicated data and may become primary.
//
// Certificates identify nodes by name and never by address, so an address may
// change or be translated without a new certificate. They are valid from 1970
// on: a node whose clock battery died must still reach its peer.
//
// Promises: no goroutines, no package state; values are not modified after
// they were made and may be shared.
//
// Source: design section 7, cluster-xml.md sections 4.4 and 6.
package identity
