// Package clusterxml is the typed form of cluster.xml: the nodes of a cluster,
// its networks ("lans") and the address of every node on every network.
//
// Promises: Parse reports all the mistakes of a file at once, each with its
// file and line, and never returns a half-checked configuration; a Config is
// not modified after it was returned; nothing here touches the disk or starts
// a goroutine. The only input or output is the name look-up of Resolve, done
// through the Resolver it is given.
//
// Source: cluster-xml.md, the whole page. Row names such as C06 are those of
// its section 5.
package clusterxml
