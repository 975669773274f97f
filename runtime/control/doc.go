// Package control is how the commands of a node talk to its daemon and to the
// supervisors of its modules: JSON over HTTP on unix sockets that only root and
// the group safekit can open. The types here are shared by both ends; they
// hold no behaviour. The client end is Client, the server end is Serve.
//
// Module commands go straight to the module's supervisor, so that scripts and
// checkers work while the daemon is being replaced (design section 2).
package control
