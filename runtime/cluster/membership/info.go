package membership

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/safehold/safehold/runtime/ha"
)

// ModuleInfo is what a node tells about one of its configured modules: a row
// of `safekit cluster state`.
type ModuleInfo struct {
	Name      ha.ModuleName `json:"name"`
	Mode      ha.Mode       `json:"mode"`
	ID        int           `json:"id"`
	Signature string        `json:"signature"` // of its last configuration
	Date      time.Time     `json:"date"`      // of its last configuration
}

// Info is what is known of a member: a row of `safekit cluster confinfo`.
type Info struct {
	Node      ha.NodeName
	Local     bool      // this node
	Signature string    // of its cluster configuration
	Locked    bool      // its configuration is locked
	Date      time.Time // its configuration was applied then
	Modules   []ModuleInfo
	Lans      []string // that reach it, sorted; empty for the local node
	// Reachable is true when a lan reaches it and its signature is ours.
	Reachable bool
}

// report is what travels: the facts a node tells about itself. Boot and Seq
// keep a late older report from replacing a newer one.
type report struct {
	Node      ha.NodeName  `json:"node"`
	Boot      uint64       `json:"boot"` // random per process
	Seq       uint64       `json:"seq"`
	Signature string       `json:"signature"`
	Locked    bool         `json:"locked"`
	Date      time.Time    `json:"date"`
	Modules   []ModuleInfo `json:"modules,omitempty"`
}

// Limits on what another member may tell.
const (
	maxReport  = 256 << 10 // bytes
	maxModules = 256
	maxText    = 128
	maxMembers = 256
)

func (r report) encode() ([]byte, error) { return json.Marshal(r) }

func decodeReport(raw []byte) (report, error) {
	var r report
	if len(raw) > maxReport {
		return r, fmt.Errorf("report of %d bytes is too large", len(raw))
	}
	if err := json.Unmarshal(raw, &r); err != nil {
		return r, fmt.Errorf("read a report: %w", err)
	}
	if r.Node == "" || len(r.Node) > maxText || len(r.Signature) > maxText || len(r.Modules) > maxModules {
		return r, errors.New("report with values out of bounds")
	}
	for _, m := range r.Modules {
		if len(m.Name) > maxText || len(m.Signature) > maxText {
			return r, errors.New("report with a module out of bounds")
		}
	}
	return r, nil
}

// replaces tells whether r is news compared with what was known.
func (r report) replaces(known report) bool {
	return r.Boot != known.Boot || r.Seq >= known.Seq
}
