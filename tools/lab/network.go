package lab

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
)

// Network is one of the lab's lans, as cluster.xml names it.
type Network string

// The networks every lab has.
const (
	Office Network = "office" // commands, clients
	Xlink  Network = "xlink"  // between the nodes only
)

var networks = []Network{Office, Xlink}

// Addr is the address of the node with that number, from 1, on the network.
func (n Network) Addr(node int) netip.Addr {
	for i, other := range networks {
		if other == n {
			return netip.AddrFrom4([4]byte{10, 99, byte(i + 1), byte(node)})
		}
	}
	panic("lab: no network " + string(n))
}

// fabric is the switch: a namespace with one bridge per network.
type fabric struct{ netns string }

func newFabric(ctx context.Context, id string) (*fabric, error) {
	f := &fabric{netns: "safe-" + id}
	if err := run(ctx, "ip", "netns", "add", f.netns); err != nil {
		return nil, err
	}
	for _, n := range networks {
		if err := f.ip(ctx, "link", "add", string(n), "type", "bridge", "forward_delay", "0"); err != nil {
			return nil, err
		}
		if err := f.ip(ctx, "link", "set", string(n), "up"); err != nil {
			return nil, err
		}
	}
	return f, nil
}

func (f *fabric) ip(ctx context.Context, args ...string) error {
	return run(ctx, "ip", append([]string{"-n", f.netns}, args...)...)
}

// plug wires the namespaces of process pid to every network.
func (f *fabric) plug(ctx context.Context, node, pid int) error {
	for _, n := range networks {
		port := f.port(node, n)
		if err := f.ip(ctx, "link", "add", port, "type", "veth", "peer", "name", string(n), "netns", fmt.Sprint(pid)); err != nil {
			return err
		}
		if err := f.ip(ctx, "link", "set", port, "master", string(n), "up"); err != nil {
			return err
		}
		inside := [][]string{
			{"addr", "add", n.Addr(node).String() + "/24", "dev", string(n)},
			{"link", "set", string(n), "up"},
			{"link", "set", "lo", "up"},
		}
		for _, args := range inside {
			enter := append([]string{"--target", fmt.Sprint(pid), "--net", "ip"}, args...)
			if err := run(ctx, "nsenter", enter...); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *fabric) port(node int, n Network) string { return fmt.Sprintf("n%d-%s", node, n) }

// cut takes the node's port out of the bridge: frames vanish in both
// directions, and neither side sees its link go down.
func (f *fabric) cut(ctx context.Context, node int, n Network) error {
	return f.ip(ctx, "link", "set", f.port(node, n), "nomaster")
}

// heal puts the port back.
func (f *fabric) heal(ctx context.Context, node int, n Network) error {
	return f.ip(ctx, "link", "set", f.port(node, n), "master", string(n))
}

// unplug removes the ports of a dead node, those that its namespace did not take along.
func (f *fabric) unplug(ctx context.Context, node int) {
	for _, n := range networks {
		if err := f.ip(ctx, "link", "del", f.port(node, n)); err != nil && !strings.Contains(err.Error(), "Cannot find device") {
			continue // gone between the question and the answer
		}
	}
}

func (f *fabric) close(ctx context.Context) error {
	return run(ctx, "ip", "netns", "del", f.netns)
}
