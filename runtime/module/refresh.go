package module

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/safehold/safehold/runtime/ha"
)

// Refresh resolves the module's networks again after the cluster configuration
// changed (cluster-xml.md section 7). changed is false when nothing of the
// module depends on the change. An error means that the module no longer fits
// the cluster; its active configuration stays as it was.
func (s *Store) Refresh(name ha.ModuleName, c *Cluster) (changed bool, err error) {
	err = s.locked(func() error {
		old, err := LoadActive(s.paths, name)
		if err != nil {
			return err
		}
		next := *old
		next.Links = nil
		if next.Local, next.Nodes = c.Local, c.Config.Nodes(); next.Config.Service.Mode == ha.Mirror {
			if next.Peer, next.First, err = c.pair(); err != nil {
				return fmt.Errorf("module %s: %w", name, err)
			}
			if err := next.resolveLinks(c); err != nil {
				return fmt.Errorf("module %s: %w", name, err)
			}
		}
		if changed = !sameNetworks(old, &next); !changed {
			return nil
		}
		dir := s.paths.UserConf(name)
		tmp, err := os.MkdirTemp(dir, ".refresh-")
		if err != nil {
			return fmt.Errorf("module %s: %w", name, err)
		}
		defer os.RemoveAll(tmp)
		if err := next.write(tmp); err != nil {
			return err
		}
		return os.Rename(filepath.Join(tmp, activeFile), filepath.Join(dir, activeFile))
	})
	return changed, err
}

func sameNetworks(a, b *Active) bool {
	if a.Local != b.Local || a.Peer != b.Peer || a.First != b.First || a.Listen != b.Listen || a.PeerAddr != b.PeerAddr || len(a.Links) != len(b.Links) {
		return false
	}
	for i := range a.Links {
		if a.Links[i] != b.Links[i] {
			return false
		}
	}
	return true
}
