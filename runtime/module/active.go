package module

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/safehold/safehold/runtime/ha"
	"github.com/safehold/safehold/runtime/paths"
	"github.com/safehold/safehold/safefmt/userconfig"
)

// activeFile is the frozen configuration beside safeconf.xml.
const activeFile = "active.json"

// Link is one heartbeat network with its addresses resolved.
type Link struct {
	Ident   string         `json:"ident"`
	Local   netip.AddrPort `json:"local"`
	Peer    netip.AddrPort `json:"peer"`
	Pulse   time.Duration  `json:"pulse"`
	Timeout time.Duration  `json:"timeout"`
}

// Active is the configuration in force of one module on this node: what its
// supervisor runs by. It is frozen when written.
type Active struct {
	Module ha.ModuleName `json:"module"`
	ID     int           `json:"id"`
	// Signature is the digest of the module's files; both nodes must have the same.
	Signature string        `json:"signature"`
	Date      time.Time     `json:"date"`
	Local     ha.NodeName   `json:"local"`
	Peer      ha.NodeName   `json:"peer,omitempty"` // of a mirror
	First     bool          `json:"first"`          // the local node stands first in cluster.xml
	Nodes     []ha.NodeName `json:"nodes"`
	Links     []Link        `json:"links,omitempty"`
	// Listen and PeerAddr are the replication addresses, when something is replicated.
	Listen   netip.AddrPort `json:"listen"`
	PeerAddr netip.AddrPort `json:"peer_addr"`
	// ModuleKey tells that the module has a key of its own for what travels between the nodes.
	ModuleKey bool `json:"module_key"`
	// Plugins are the checksums of third-party executables, by path.
	Plugins map[string]string  `json:"plugins,omitempty"`
	Config  *userconfig.Config `json:"config"`
}

// ErrNotConfigured means the module is installed but was never configured.
var ErrNotConfigured = errors.New("the module is not configured: run safekit config first")

// LoadActive reads the configuration in force.
func LoadActive(t paths.Tree, m ha.ModuleName) (*Active, error) {
	raw, err := os.ReadFile(filepath.Join(t.UserConf(m), activeFile))
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("module %s: %w", m, ErrNotConfigured)
	}
	if err != nil {
		return nil, fmt.Errorf("module %s: %w", m, err)
	}
	a := &Active{}
	if err := json.Unmarshal(raw, a); err != nil {
		return nil, fmt.Errorf("module %s: %s: %w: run safekit config again", m, activeFile, err)
	}
	return a, nil
}

func (a *Active) write(dir string) error {
	raw, err := json.MarshalIndent(a, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the active configuration: %w", err)
	}
	return os.WriteFile(filepath.Join(dir, activeFile), append(raw, '\n'), 0o600)
}
