package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"time"

	"github.com/safehold/safehold/runtime/cluster/clusterxml"
	"github.com/safehold/safehold/runtime/cluster/identity"
	"github.com/safehold/safehold/runtime/ha"
)

// Lock is the trailing word of `cluster config`.
type Lock uint8

// The words: none, lock, unlock (cluster-xml.md section 6.3).
const (
	NoLock Lock = iota
	SetLock
	Unlock
)

// applied is the content of applied.json.
type applied struct {
	Node      ha.NodeName `json:"node"`
	Signature string      `json:"signature"`
	Date      time.Time   `json:"date"`
	Locked    bool        `json:"locked"`
}

// change is one configuration about to be applied.
type change struct {
	name string // of the file, for messages
	xml  []byte
	keys *keys // nil: this node's authority, or a new one, and a new cluster key
	lock Lock
}

// keys is the key material of a cluster.
type keys struct {
	authority *identity.Authority
	key       identity.Key
}

// apply carries out a change: the steps of cluster-xml.md section 6.2. The
// caller holds mu.
func (m *Manager) apply(ctx context.Context, c change) ([]clusterxml.Warning, error) {
	if err := m.checkLock(c.lock); err != nil {
		return nil, err
	}
	parsed, warnings, err := clusterxml.Parse(c.name, c.xml)
	if err != nil {
		return warnings, err
	}
	cfg, err := clusterxml.Resolve(ctx, c.name, parsed, m.Resolver)
	if err != nil {
		return warnings, err
	}
	a, err := m.activate(cfg, c)
	if err != nil {
		return warnings, err
	}
	if err := m.save(a, c.xml); err != nil {
		return warnings, err
	}
	m.Log.WithField("node", a.Node).WithField("signature", a.Signature).Info("cluster configuration applied")
	m.announce(a)
	return warnings, nil
}

func (m *Manager) checkLock(l Lock) error {
	if a := m.Active(); a != nil && a.Locked && l != Unlock {
		return ErrLocked
	}
	return nil
}

// activate finds the local node and makes its identity.
func (m *Manager) activate(cfg *clusterxml.Config, c change) (*Active, error) {
	addrs, err := m.LocalAddrs()
	if err != nil {
		return nil, err
	}
	node, err := clusterxml.LocalNode(cfg, addrs)
	if err != nil {
		return nil, err
	}
	now := m.Now()
	k := c.keys
	if k == nil {
		k = &keys{key: identity.NewKey(now)}
		if a := m.Active(); a != nil {
			k.authority = a.Identity.Authority
		} else if k.authority, err = identity.NewAuthority(now); err != nil {
			return nil, err
		}
	}
	id, err := identity.New(k.authority, k.key, node, nodeAddrs(cfg, node), now)
	if err != nil {
		return nil, err
	}
	return &Active{Config: cfg, Node: node, Signature: clusterxml.Signature(c.xml, k.key.Signed()),
		Date: now.Truncate(time.Second), Locked: c.lock == SetLock, Identity: id}, nil
}

// save writes the whole folder of a.
func (m *Manager) save(a *Active, xml []byte) error {
	files, err := a.Identity.Files()
	if err != nil {
		return err
	}
	files[xmlFile] = xml
	files[resolvedFile] = clusterxml.Encode(a.Config)
	raw, err := json.MarshalIndent(applied{a.Node, a.Signature, a.Date.UTC(), a.Locked}, "", "  ")
	if err != nil {
		return fmt.Errorf("encode %s: %w", appliedFile, err)
	}
	files[appliedFile] = append(raw, '\n')
	return m.folder().replace(files)
}

// load reads what is in force. The error wraps os.ErrNotExist when nothing
// was ever applied.
func (m *Manager) load() (*Active, error) {
	f := m.folder()
	raw, err := f.read(appliedFile, clusterxml.MaxSize)
	if err != nil {
		return nil, fmt.Errorf("load the cluster configuration: %w", err)
	}
	var a applied
	if err := json.Unmarshal(raw, &a); err != nil {
		return nil, fmt.Errorf("read %s: %w", appliedFile, err)
	}
	raw, err = f.read(resolvedFile, clusterxml.MaxSize)
	if err != nil {
		return nil, fmt.Errorf("load the cluster configuration: %v", err) // not "never applied"
	}
	cfg, _, err := clusterxml.Parse(resolvedFile, raw)
	if err != nil {
		return nil, err
	}
	id, err := identity.Load(f.dir)
	if err != nil {
		return nil, fmt.Errorf("load the cluster configuration: %v", err) // as above
	}
	if !cfg.HasNode(a.Node) || id.Node != a.Node {
		return nil, fmt.Errorf("%s names node %q, the certificate %q", appliedFile, a.Node, id.Node)
	}
	return &Active{Config: cfg, Node: a.Node, Signature: a.Signature, Date: a.Date, Locked: a.Locked, Identity: id}, nil
}

func nodeAddrs(cfg *clusterxml.Config, node ha.NodeName) []netip.Addr {
	var out []netip.Addr
	for _, l := range cfg.Lans {
		if n, ok := l.Node(node); ok {
			if ip, err := netip.ParseAddr(n.Addr); err == nil {
				out = append(out, ip)
			}
		}
	}
	return out
}
