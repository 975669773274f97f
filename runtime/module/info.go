package module

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"github.com/safehold/safehold/runtime/cluster/identity"
	"github.com/safehold/safehold/runtime/ha"
	"github.com/safehold/safehold/safefmt"
)

// Info compares the configuration in force with the edited one (confinfo).
type Info struct {
	Active, Edited         string // signatures; Active is "" when not configured
	ActiveDate, EditedDate time.Time
}

// Info tells both signatures and dates of the module.
func (s *Store) Info(name ha.ModuleName) (Info, error) {
	if _, err := s.Record(name); err != nil {
		return Info{}, err
	}
	var info Info
	a, err := LoadActive(s.paths, name)
	switch {
	case err == nil:
		info.Active, info.ActiveDate = a.Signature, a.Date
	case !errors.Is(err, ErrNotConfigured):
		return Info{}, err
	}
	if info.Edited, err = safefmt.Digest(s.paths.Edited(name)); err != nil {
		return Info{}, err
	}
	err = filepath.WalkDir(s.paths.Edited(name), func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		fi, err := d.Info()
		if err == nil && fi.ModTime().After(info.EditedDate) {
			info.EditedDate = fi.ModTime()
		}
		return err
	})
	return info, err
}

// GenKey makes a key of the module's own; it counts from the next configuration on.
func (s *Store) GenKey(name ha.ModuleName) (fingerprint string, err error) {
	if _, err := s.Record(name); err != nil {
		return "", err
	}
	key, err := identity.GenModuleKey(filepath.Join(s.paths.Edited(name), "conf"))
	if err != nil {
		return "", err
	}
	return key.Fingerprint(), nil
}

// DelKey removes the module's key.
func (s *Store) DelKey(name ha.ModuleName) error {
	if _, err := s.Record(name); err != nil {
		return err
	}
	return identity.DelModuleKey(filepath.Join(s.paths.Edited(name), "conf"))
}

// PortList is the table of `module getports` for an id (commands.md section 6).
func PortList(id int, mode ha.Mode, membership int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "List of the ports used by SafeKit\n\nProcess Ports\nsafeadmin\nport UDP %d\n\nwebconsole\nport TCP %d\n", membership, WebPort)
	fmt.Fprintf(&b, "nodes\nport TCP %d\n", LinkPort)
	switch mode {
	case ha.Mirror:
		fmt.Fprintf(&b, "heart\nport UDP %d\nrfs\nsafenfs_port TCP %d\n", HeartPort(id), ReplicationPort(id))
	case ha.Farm:
		fmt.Fprintf(&b, "farm\nport UDP %d\n", FarmPort(id))
	case ha.Light:
	}
	return b.String()
}
