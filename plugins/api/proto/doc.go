// Package proto is the wire form of the plugin contract: what travels between
// the core and a plugin over go-plugin's gRPC connection. Authors of Go plugins
// never see it; authors in other languages generate their stubs from the .proto
// files here. It holds generated code only; package api converts.
//
// Regenerating needs protoc (Debian: protobuf-compiler); the two Go generators
// are tools of this module.
package proto

//go:generate ./generate.sh
