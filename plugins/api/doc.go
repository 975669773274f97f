// Package api is the public contract between the product and its plugins: what
// a plugin author imports, and all that the core knows of any plugin, built-in
// ones included. Each kind of plugin has one Go interface here; the packages
// below carry it over go-plugin's gRPC.
//
// # Kinds
//
//   - Heartbeat tells whether the other node is there and carries its words.
//   - Replicator keeps the replicated directories equal on both nodes.
//   - Checker watches something and reports resources.
//
// # Promises
//
// A plugin runs in a process of its own. The core calls Configure once before
// anything else, calls nothing concurrently with Configure, and may call
// everything else concurrently. Every call has a context with a deadline. A
// stream returned by a plugin ends when its context does. A plugin that dies,
// hangs or answers nonsense is stopped and started again by the core; it must
// therefore keep on disk what it may not forget.
//
// The package follows semantic versioning: ProtocolVersion changes only when an
// old plugin could not be understood any more.
package api

// ProtocolVersion is the version of the contract that go-plugin negotiates.
const ProtocolVersion = 1

// Kind names a kind of plugin.
type Kind string

// The kinds of plugin.
const (
	KindHeartbeat   Kind = "heartbeat"
	KindReplication Kind = "replication"
	KindChecker     Kind = "checker"
)

// Info is what a plugin says of itself.
type Info struct {
	Kind    Kind
	Name    string // "rfs", "tcp": the origin of its log lines
	Version string // of the plugin, free form
}
