package fuse

import "context"

// transport moves messages between the kernel and the dispatcher of one
// connection. The plain loop is one; a reactor that owns the descriptor, the
// local files and the peer's socket can be another, without a change to
// handlers: they see only requests, whose answers go back through a replier.
type transport interface {
	// serve reads messages until the file system is gone (nil or ErrAborted)
	// or ctx ends (its cause). It returns when its readers have ended.
	serve(ctx context.Context, d *dispatcher) error
	// close ends the connection of this process. Later answers fail.
	close() error
}

// replier carries answers to the kernel. It outlives the transport as long as
// a request holds it.
type replier interface {
	// reply sends an answer: head is the header and a fixed-size body, data
	// what follows. Both may be reused after it has returned.
	reply(s *slot, head, data []byte) error
	retain()
	release()
}
