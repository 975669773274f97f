// Package pluginhost starts plugins, watches them and starts them again.
//
// A plugin is a process of its own, reached through package plugins/api over
// go-plugin's gRPC on a unix socket in a private folder, both sides proven by
// one-time certificates. Built-in plugins are this same executable, started as
// `safekit plugin NAME`; others are executables whose SHA-256 was recorded when
// the administrator configured them.
//
//	            ┌────────────── backoff ◄─────────────┐
//	            ▼                                     │
//	Serve ─► start ─► OnUp(client) ─► ping … ─► died, hung or Restart
//	            │ wrong version, changed file         │
//	            ▼                                     ▼
//	      Serve returns the error                OnDown(reason)
//
// Promises: OnUp and OnDown are called by Serve's goroutine, one at a time; when
// Serve returns, the child and its group are dead. A child also dies when this
// process does, even if this process is killed and the child is stopped or
// deaf. What a plugin writes reaches the log with bounded length, number and
// memory, and nothing it writes can break this process.
package pluginhost
