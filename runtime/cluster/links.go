package cluster

import (
	"fmt"

	"github.com/safehold/safehold/runtime/cluster/clusterxml"
	"github.com/safehold/safehold/runtime/ha"
)

// Links gives the pair of addresses a mirror module uses on a lan: where local
// binds and sends from, and where it finds peer. The error says which name is
// wrong (cluster-xml.md section 4.2).
func Links(cfg *clusterxml.Config, lan string, local, peer ha.NodeName) (localAddr, peerAddr string, err error) {
	l, ok := cfg.Lan(lan)
	if !ok {
		return "", "", fmt.Errorf("no lan '%s' in the cluster configuration", lan)
	}
	here, ok := l.Node(local)
	if !ok {
		return "", "", fmt.Errorf("node %s is not on lan %s", local, lan)
	}
	there, ok := l.Node(peer)
	if !ok {
		return "", "", fmt.Errorf("node %s is not on lan %s", peer, lan)
	}
	return here.Local(), there.Addr, nil
}
