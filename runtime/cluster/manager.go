package cluster

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/safehold/safehold/runtime/cluster/clusterxml"
	"github.com/safehold/safehold/runtime/cluster/identity"
	"github.com/safehold/safehold/runtime/cluster/membership"
	"github.com/safehold/safehold/runtime/ha"
)

// Errors that callers tell apart.
var (
	// ErrLocked is row C13.
	ErrLocked = errors.New("cluster configuration is locked")
	// ErrNotConfigured is every request that needs a cluster on a node in none.
	ErrNotConfigured = errors.New("the cluster is not configured on this node (use safekit cluster config)")
)

// Options is what a Manager needs.
type Options struct {
	Dir        string                       // SAFEVAR/cluster
	Resolver   clusterxml.Resolver          // nil: the system's
	LocalAddrs func() ([]netip.Addr, error) // nil: HostAddrs
	Now        func() time.Time             // nil: time.Now
	Membership *membership.Service          // told of every configuration; may be nil
	Changed    func(*Active)                // called after every change, one at a time; may be nil; must not change the configuration
	Log        logrus.FieldLogger
}

// Active is a configuration in force. It is never modified.
type Active struct {
	Config    *clusterxml.Config // resolved: addresses only
	Node      ha.NodeName        // this node
	Signature string
	Date      time.Time // applied then
	Locked    bool
	Identity  *identity.Identity
}

// Manager owns the cluster folder.
type Manager struct {
	Options
	active atomic.Pointer[Active]

	// mu excludes changes of the folder from each other.
	mu sync.Mutex
	// failpoint stands between the steps of a change; tests make it fail.
	failpoint func(step string) error
}

// Open loads the configuration in force, if there is one. A damaged one is
// logged and ignored: the daemon must run so that it can be applied again.
func Open(o Options) (*Manager, error) {
	if o.Resolver == nil {
		o.Resolver = net.DefaultResolver
	}
	if o.LocalAddrs == nil {
		o.LocalAddrs = HostAddrs
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	m := &Manager{Options: o, failpoint: func(string) error { return nil }}
	if err := m.folder().prepare(); err != nil {
		return nil, err
	}
	a, err := m.load()
	switch {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		o.Log.WithError(err).Error("the cluster configuration cannot be loaded, apply it again")
	default:
		m.checkAddresses(a)
		m.announce(a)
	}
	return m, nil
}

// Active gives the configuration in force, nil when there is none.
func (m *Manager) Active() *Active { return m.active.Load() }

// Identity gives this node's identity, nil while it is in no cluster. It fits
// the fields of link.Server and link.Dialer.
func (m *Manager) Identity() *identity.Identity {
	if a := m.Active(); a != nil {
		return a.Identity
	}
	return nil
}

// announce puts a in force for the rest of the node; nil means none. The
// caller holds mu, or nobody else has the manager yet.
func (m *Manager) announce(a *Active) {
	m.active.Store(a)
	if m.Membership != nil {
		m.Membership.Apply(m.settings(a))
	}
	if m.Changed != nil {
		m.Changed(a)
	}
}

func (m *Manager) settings(a *Active) *membership.Settings {
	if a == nil {
		return nil
	}
	s := &membership.Settings{Config: a.Config, Local: a.Node, Signature: a.Signature, Locked: a.Locked, Date: a.Date}
	if !a.Identity.Key.Encrypt {
		return s
	}
	key, err := a.Identity.Subkey(membership.Purpose)
	if err != nil {
		// A node without a key must not fall back to traffic in the clear.
		m.Log.WithError(err).Error("no cluster traffic: its key cannot be derived")
		return nil
	}
	s.Key = &key
	return s
}

// checkAddresses warns when no interface has this node's addresses yet; the
// remembered name is used (cluster-xml.md section 4.1).
func (m *Manager) checkAddresses(a *Active) {
	addrs, err := m.LocalAddrs()
	if err == nil {
		var name ha.NodeName
		if name, err = clusterxml.LocalNode(a.Config, addrs); err == nil && name != a.Node {
			err = fmt.Errorf("the addresses are those of node %s", name)
		}
	}
	if err != nil {
		m.Log.WithError(err).WithField("node", a.Node).Warn("the interfaces do not have this node's addresses, its remembered name is used")
	}
}

// HostAddrs lists the addresses of the host's interfaces without the loopback
// ones, which say nothing about which node this is.
func HostAddrs() ([]netip.Addr, error) {
	nets, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("list the local addresses: %w", err)
	}
	var out []netip.Addr
	for _, n := range nets {
		if p, err := netip.ParsePrefix(n.String()); err == nil && !p.Addr().IsLoopback() {
			out = append(out, p.Addr().Unmap().WithZone(""))
		}
	}
	return slices.Clip(out), nil
}
