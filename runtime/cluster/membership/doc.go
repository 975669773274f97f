// Package membership tells which nodes of the cluster are there: it gossips
// with hashicorp/memberlist on every lan of cluster.xml.
//
//	Service ── lan "office"  ── memberlist on 172.20.4.11:4800 (UDP and TCP)
//	        └─ lan "xlink"   ── memberlist on 192.0.2.1:4800
//
// A node is reachable as soon as one lan reaches it and unreachable when all
// lans lost it. Members tell each other the signature of their configuration,
// whether it is locked, and a digest of every module; a member with another
// signature is listed but never reachable (cluster-xml.md sections 4.3, 6.4
// and 6.5). A member with another key is invisible.
//
// What is heard here is for people, for cluster() in failover rules and for
// refusing mismatched configurations. It never decides who may be primary.
//
// A node is lost after about pulse × slost_count. The protocol has no leader,
// so mlost_count is accepted and changes nothing.
//
// Serve owns all goroutines: one per lan, and those of memberlist, which it
// shuts down. Every other method may be called from anywhere and never blocks
// on the network.
package membership
