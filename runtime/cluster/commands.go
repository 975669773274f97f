package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"

	"github.com/safehold/safehold/runtime/cluster/clusterxml"
	"github.com/safehold/safehold/runtime/cluster/identity"
	"github.com/safehold/safehold/runtime/ha"
)

// Input is the file argument of `cluster config` and `cluster confcheck`.
type Input struct {
	Name string // shown in messages; its ending tells .xml from .zip
	Data []byte
}

// ReadInput reads a file argument of at most 4 MiB.
func ReadInput(path string) (Input, error) {
	r, err := os.Open(path)
	if err != nil {
		return Input{}, fmt.Errorf("read the cluster configuration: %w", err)
	}
	defer r.Close()
	raw, err := io.ReadAll(io.LimitReader(r, maxBundle+1))
	if err != nil {
		return Input{}, fmt.Errorf("read the cluster configuration: %w", err)
	}
	if len(raw) > maxBundle {
		return Input{}, fmt.Errorf("read the cluster configuration: %s is larger than %d bytes", path, maxBundle)
	}
	return Input{filepath.Base(path), raw}, nil
}

// Config is `safekit cluster config`: it applies in on this node. The zero
// Input means the cluster.xml in the cluster folder. New keys are made unless
// a zip brings its own; the authority stays the same. Errors: clusterxml.Mistakes,
// ErrLocked, clusterxml.ErrNotANode, and those of the disk; after any of them
// the previous configuration is in force.
func (m *Manager) Config(ctx context.Context, in Input, lock Lock) ([]clusterxml.Warning, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, err := m.read(in)
	if err != nil {
		return nil, err
	}
	c.lock = lock
	return m.apply(ctx, c)
}

// Confcheck is `safekit cluster confcheck`: the checks of Config without
// effect. Whether this host is one of the nodes is not checked, so that a file
// may be checked anywhere.
func (m *Manager) Confcheck(ctx context.Context, in Input) ([]clusterxml.Warning, error) {
	c, err := m.read(in)
	if err != nil {
		return nil, err
	}
	cfg, warnings, err := clusterxml.Parse(c.name, c.xml)
	if err == nil {
		_, err = clusterxml.Resolve(ctx, c.name, cfg, m.Resolver)
	}
	return warnings, err
}

// read turns an argument into a change.
func (m *Manager) read(in Input) (change, error) {
	switch {
	case in.Name == "":
		raw, err := m.folder().read(xmlFile, clusterxml.MaxSize)
		if errors.Is(err, os.ErrNotExist) {
			return change{}, fmt.Errorf("no cluster.xml in %s", m.Dir)
		}
		return change{name: xmlFile, xml: raw}, err
	case strings.HasSuffix(in.Name, ".zip"):
		b, err := readBundle(in.Name, in.Data)
		return change{name: in.Name + "/" + xmlFile, xml: b.xml, keys: b.keys}, err
	default:
		return change{name: in.Name, xml: in.Data}, nil
	}
}

// Create is `safekit cluster create`: it writes a cluster.xml with one lan for
// the given addresses, to be applied by Config.
func (m *Manager) Create(addrs []string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.checkLock(NoLock); err != nil {
		return err
	}
	raw, err := clusterxml.Create(addrs)
	if err != nil {
		return err
	}
	return m.writeFile(xmlFile, raw)
}

// GenKey is `safekit cluster genkey`: the new key takes effect when the
// configuration is distributed (Distribute).
func (m *Manager) GenKey() error {
	return m.nextKey(func(*Active) identity.Key { return identity.NewKey(m.Now()) })
}

// DelKey is `safekit cluster delkey`: from the next distribution on, cluster
// traffic is readable. Certificates and the authentication of heartbeats stay.
func (m *Manager) DelKey() error {
	return m.nextKey(func(a *Active) identity.Key { return a.Identity.Key.Plain() })
}

func (m *Manager) nextKey(make func(*Active) identity.Key) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	a := m.Active()
	if a == nil {
		return ErrNotConfigured
	}
	if err := m.checkLock(NoLock); err != nil {
		return err
	}
	raw, err := make(a).Encode()
	if err != nil {
		return err
	}
	return m.writeFile(nextKeyFile, raw)
}

// Deconfig is `safekit cluster deconfig`: it removes the configuration and all
// keys. running lists the modules that are not in STOP; while there is one it
// is refused.
func (m *Manager) Deconfig(running func() []ha.ModuleName) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.checkLock(NoLock); err != nil {
		return err
	}
	if names := running(); len(names) > 0 {
		return fmt.Errorf("remove the cluster configuration: module %s is not in STOP, stop it first", names[0])
	}
	if err := m.folder().replace(nil); err != nil {
		return err
	}
	m.Log.Info("cluster configuration removed")
	m.announce(nil)
	return nil
}

func (m *Manager) writeFile(name string, raw []byte) error {
	if err := renameio.WriteFile(filepath.Join(m.Dir, name), raw, 0o600, renameio.IgnoreUmask()); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}
