// Package state is what a replicator must not forget: generations, whether the
// data are consistent, and which tree belongs to it. One small file, replaced
// atomically, synchronised and checksummed, in the plugin's own directory.
package state

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/google/renameio/v2"
	"github.com/zeebo/blake3"

	"github.com/safehold/safehold/runtime/ha"
)

// Record is the durable part of a replicator's knowledge.
type Record struct {
	Version    int               `json:"version"`
	Module     ha.ModuleName     `json:"module"`
	Trees      map[string]string `json:"trees"` // replicated directory -> tree id of its marker
	History    ha.History        `json:"history"`
	Consistent bool              `json:"consistent"`
	Clean      bool              `json:"clean"`
	PeerBehind bool              `json:"peer_behind"`
	// OweFull: the peer's next catch-up compares everything (primforce).
	OweFull bool   `json:"owe_full,omitempty"`
	Epoch   uint64 `json:"epoch"`
	// Pairing names the last complete comparison of both nodes. While both hold
	// the same, all differences are in the union of their dirty maps.
	Pairing  string    `json:"pairing,omitempty"`
	SyncedAt time.Time `json:"synced_at,omitzero"`
}

const version = 1

// ErrCorrupt is wrapped when the file cannot be believed.
var ErrCorrupt = errors.New("state file is damaged")

// File is where a Record lives.
type File struct{ path string }

// In names the file in a state directory.
func In(dir string) File { return File{filepath.Join(dir, "state.json")} }

type envelope struct {
	Sum    string          `json:"sum"`
	Record json.RawMessage `json:"record"`
}

// Load reads the record. A missing file gives os.ErrNotExist, one that was
// damaged ErrCorrupt.
func (f File) Load() (Record, error) {
	b, err := os.ReadFile(f.path)
	if err != nil {
		return Record{}, fmt.Errorf("read replication state: %w", err)
	}
	var e envelope
	var r Record
	if err := json.Unmarshal(b, &e); err != nil {
		return r, fmt.Errorf("read %s: %w: %v", f.path, ErrCorrupt, err)
	}
	if e.Sum != sum(e.Record) {
		return r, fmt.Errorf("read %s: %w: checksum differs", f.path, ErrCorrupt)
	}
	if err := json.Unmarshal(e.Record, &r); err != nil {
		return r, fmt.Errorf("read %s: %w: %v", f.path, ErrCorrupt, err)
	}
	if r.Version != version {
		return r, fmt.Errorf("read %s: state version %d, this release knows %d", f.path, r.Version, version)
	}
	return r, nil
}

// Save replaces the record; it is on disk when Save returns.
func (f File) Save(r Record) error {
	r.Version = version
	rec, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("save replication state: %w", err)
	}
	b, err := json.Marshal(envelope{sum(rec), rec})
	if err != nil {
		return fmt.Errorf("save replication state: %w", err)
	}
	return WriteFile(f.path, b)
}

// SetAside renames a damaged file, so that it can be looked at.
func (f File) SetAside(now time.Time) error {
	return os.Rename(f.path, f.path+".damaged-"+now.UTC().Format("20060102T150405"))
}

// WriteFile replaces a file atomically, mode 0600, and makes it and its
// directory entry durable.
func WriteFile(path string, b []byte) error {
	if err := renameio.WriteFile(path, b, 0o600); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("write %s: synchronise directory: %w", path, err)
	}
	return nil
}

func sum(b []byte) string {
	s := blake3.Sum256(b)
	return hex.EncodeToString(s[:])
}
