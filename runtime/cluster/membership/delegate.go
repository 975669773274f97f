package membership

import (
	"errors"
	"strings"

	"github.com/hashicorp/memberlist"
	"github.com/sirupsen/logrus"

	"github.com/safehold/safehold/runtime/ha"
)

// The methods below are called by memberlist, some with its own locks held, so
// none of them calls back into it.

// NodeMeta announces the signature with every sign of life.
func (n *lan) NodeMeta(limit int) []byte {
	if len(n.settings.Signature) > limit {
		return nil
	}
	return []byte(n.settings.Signature)
}

// NotifyMsg receives a report that a member sent because it changed.
func (n *lan) NotifyMsg(raw []byte) { n.heard(raw) }

// GetBroadcasts has nothing: reports are sent to each member directly.
func (n *lan) GetBroadcasts(int, int) [][]byte { return nil }

// LocalState gives our report for the periodic exchange.
func (n *lan) LocalState(bool) []byte {
	own, _, ok := n.service.current(n.round)
	if !ok {
		return nil
	}
	raw, err := own.encode()
	if err != nil {
		n.log.WithError(err).Error("cannot encode the report of this node")
	}
	return raw
}

// MergeRemoteState receives the other side's report of the exchange.
func (n *lan) MergeRemoteState(raw []byte, _ bool) { n.heard(raw) }

func (n *lan) heard(raw []byte) {
	if len(raw) == 0 {
		return
	}
	r, err := decodeReport(raw)
	if err != nil {
		n.log.WithError(err).Debug("report refused")
		return
	}
	n.change(func(v *view) bool { return r.Node != n.settings.Local && v.tell(r) })
}

// NotifyAlive refuses members whose name cannot be a node's.
func (n *lan) NotifyAlive(m *memberlist.Node) error {
	if m.Name == "" || len(m.Name) > maxText || len(m.Meta) > maxText {
		return errors.New("member with a name or signature out of bounds")
	}
	return nil
}

// NotifyJoin notes a member this lan reaches, and has our report sent to it.
func (n *lan) NotifyJoin(m *memberlist.Node) {
	node := ha.NodeName(m.Name)
	if node == n.settings.Local {
		return
	}
	n.log.WithField("peer", node).Info("peer is reachable")
	n.arrived(m)
	select {
	case n.greet <- struct{}{}:
	default: // it will be greeted with the others
	}
}

// NotifyUpdate notes another signature of a member.
func (n *lan) NotifyUpdate(m *memberlist.Node) {
	if ha.NodeName(m.Name) != n.settings.Local {
		n.arrived(m)
	}
}

func (n *lan) arrived(m *memberlist.Node) {
	node, seen := ha.NodeName(m.Name), *m
	n.change(func(v *view) bool {
		n.members[node] = seen
		v.arrive(node, n.lan.Name, string(seen.Meta))
		return true
	})
}

// NotifyLeave notes a member this lan lost.
func (n *lan) NotifyLeave(m *memberlist.Node) {
	node := ha.NodeName(m.Name)
	if node == n.settings.Local {
		return
	}
	n.log.WithField("peer", node).Info("peer is not reachable any more")
	n.change(func(v *view) bool {
		delete(n.members, node)
		v.leave(node, n.lan.Name)
		return true
	})
}

// change edits the view, unless another configuration is in force already.
func (n *lan) change(edit func(*view) bool) {
	n.service.mu.Lock()
	defer n.service.mu.Unlock()
	if n.round == n.service.round && edit(&n.service.view) {
		n.service.wakeLocked()
	}
}

// quiet is where memberlist writes its own log: all of it is detail, and what
// does not authenticate is dropped silently (cluster-xml.md section 4.4).
type quiet struct{ log logrus.FieldLogger }

// Write passes a line on at debug level.
func (q quiet) Write(line []byte) (int, error) {
	q.log.WithField("line", strings.TrimSpace(string(line))).Debug("membership protocol")
	return len(line), nil
}
