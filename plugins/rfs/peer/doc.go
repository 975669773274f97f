// Package peer is the connection between two replicators: who is at the other
// end (TLS 1.3, certificates of both sides from the cluster's own authority), and
// a Session that carries frames in order, counts acknowledgements, answers calls
// and notices loss.
//
// It promises that no wait is endless: a packet not sent within SendTimeout, a
// frame not acknowledged within LockTimeout, or silence longer than both ends the
// session. A session owns its goroutines (one reads, one writes what senders did not
// write themselves, one watches);
// Run returns when all have ended. Buffers passed to Send are not read any more
// once Run calls OnLost, or once the frame was acknowledged.
package peer
