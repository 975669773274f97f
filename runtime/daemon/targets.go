package daemon

import (
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/safehold/safehold/runtime/cluster/link"
	"github.com/safehold/safehold/runtime/ha"
	"github.com/safehold/safehold/runtime/module"
)

// targets reads the argument of -H: "*", node names, "[proto:port],servers" or
// URLs (commands.md section 1.2).
func (d *Daemon) targets(servers string) ([]target, error) {
	words := strings.Split(servers, ",")
	proto, port := "https", link.Port
	if len(words) > 0 && strings.HasPrefix(words[0], "[") {
		var err error
		if proto, port, err = bracket(words[0]); err != nil {
			return nil, err
		}
		words = words[1:]
	}
	var out []target
	for _, w := range words {
		w = strings.TrimSpace(w)
		switch {
		case w == "":
			return nil, fmt.Errorf("servers %q: an empty name", servers)
		case w == "*":
			all, err := d.everyNode()
			if err != nil {
				return nil, err
			}
			out = append(out, all...)
		case strings.Contains(w, "://"):
			addr, err := link.Target(w, link.Port)
			if err != nil {
				return nil, err
			}
			out = append(out, target{url: w, addrs: []string{addr}})
		default:
			out = append(out, d.named(w, proto, port))
		}
	}
	return out, nil
}

// bracket reads "[proto]", "[proto:port]".
func bracket(word string) (proto string, port int, err error) {
	inner, ok := strings.CutSuffix(strings.TrimPrefix(word, "["), "]")
	if !ok {
		return "", 0, fmt.Errorf("servers: %q lacks its closing bracket", word)
	}
	proto, number, given := strings.Cut(inner, ":")
	if proto != "http" && proto != "https" {
		return "", 0, fmt.Errorf("servers: protocol %q: want http or https", proto)
	}
	if !given || proto == "http" {
		return proto, link.Port, nil // the nodes talk on their own encrypted port
	}
	port, err = strconv.Atoi(number)
	if err != nil || port < 1 || port > 65535 {
		return "", 0, fmt.Errorf("servers: bad port %q", number)
	}
	return proto, port, nil
}

func (d *Daemon) everyNode() ([]target, error) {
	a := d.cluster.Active()
	if a == nil {
		return nil, module.ErrNoCluster
	}
	var out []target
	for _, n := range a.Config.Nodes() {
		out = append(out, d.named(string(n), "https", link.Port))
	}
	return out, nil
}

// named is a node of the cluster, or a server by its address.
func (d *Daemon) named(name, proto string, port int) target {
	if a := d.cluster.Active(); a != nil && a.Config.HasNode(ha.NodeName(name)) {
		t := target{node: ha.NodeName(name), local: a.Node == ha.NodeName(name)}
		t.addrs = link.Addresses(a.Config, t.node, port)
		t.url = "https://" + t.addrs[0]
		return t
	}
	addr := net.JoinHostPort(name, strconv.Itoa(port))
	return target{url: proto + "://" + addr, addrs: []string{addr}}
}
