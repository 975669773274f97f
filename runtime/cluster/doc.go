// Package cluster owns SAFEVAR/cluster: the cluster configuration in force,
// this node's identity, and their distribution to the other nodes.
//
//	cluster.xml       as the operator wrote it; edits have no effect before `cluster config`
//	cluster_ip.xml    the configuration in force, with addresses only
//	applied.json      node name, signature, date and lock of the configuration in force
//	ca.*, node.*      see package identity
//	cluster.key       the cluster key; next.key waits for the next -G
//
// Promises: a configuration is applied whole or not at all. Everything is
// written to a folder beside, synced, and exchanged with the old folder in one
// rename; a crash, an error or a full disk before that leaves the old one in
// force. What is in force is read from applied.json and cluster_ip.xml, so an
// edited but unapplied cluster.xml survives restarts without effect.
//
// The Manager starts no goroutine. All its methods may be called from
// anywhere; those that change something exclude each other.
//
// Source: cluster-xml.md sections 4, 6 and 7, commands.md section 3.
package cluster
