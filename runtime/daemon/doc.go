// Package daemon is the one process of a node that belongs to no module: it
// keeps the cluster membership, answers the other nodes and the load
// balancers, and starts a supervisor for each configured module.
//
// Supervisors outlive it: a new daemon finds the running ones by their sockets.
// Serve owns every goroutine of the package and returns when they are gone.
package daemon
