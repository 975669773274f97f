// Package link is HTTPS between nodes: distributed commands, the console's
// relay and the distribution of the cluster configuration (port 9453).
//
// Two ways in, both over TLS 1.3:
//
//   - Nodes of one cluster prove themselves with certificates of the cluster's
//     own authority. Each request's context carries the peer's name (PeerOf).
//
//   - A node that is not in the cluster yet has no such certificate. It is
//     reached with the password of the private user rcmdadmin: both sides show
//     that they know the key K = argon2id(password) by a MAC over the exporter
//     of their own TLS channel (RFC 9266):
//
//     client → server   HMAC(K, "client" ‖ exporter)
//     server → client   HMAC(K, "server" ‖ exporter)
//
// A proxy that ends TLS in the middle has two channels with two exporters, so
// it can pass neither proof through, and the client sends nothing secret
// before the server's proof held. Who makes a client connect to his server
// still gets one MAC to guess the password from, at the price of one argon2id
// of 64 MiB per guess: the password should be a good one.
//
// The salt of K is the same for all installations, so that every node with the
// password can call every other one without keeping the password itself, and
// so that nobody can talk a client into weak parameters. A salt chosen by the
// server would not slow a hostile server, which would choose its own.
//
// Once a node belongs to a cluster the password opens one door only: the
// cluster configuration (ClusterPath). Before that it also gives the ordinary
// commands, which is how a new machine is prepared from another one.
//
// Promises: every body is bounded, every wait has a deadline, failed proofs
// are throttled per address and in all, a refusal does not tell its reason.
// Serve owns its goroutines and returns when they are gone.
//
// Source: design section 7, commands.md section 1.2, services.md section 11.4.
package link
