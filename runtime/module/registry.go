package module

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/safehold/safehold/runtime/ha"
)

// Limits on what a node takes (safe-package.md section 7; the product
// promises 25 mirror modules on a cluster).
const (
	MaxID      = 64
	MaxMirrors = 25
)

// Record is what the node remembers of one installed module.
type Record struct {
	ID        int       `json:"id"`
	Mode      string    `json:"mode,omitempty"` // of the active configuration; "" before the first config
	Installed time.Time `json:"installed"`
	// Boot is the answer to `safekit boot -m AM on|off`; "" when never given.
	Boot string `json:"boot,omitempty"`
}

// Registry is every installed module of the node by name.
type Registry struct {
	Modules map[ha.ModuleName]Record `json:"modules"`
}

// Names lists the modules in order of their ids.
func (r Registry) Names() []ha.ModuleName {
	names := slices.Collect(maps.Keys(r.Modules))
	slices.SortFunc(names, func(a, b ha.ModuleName) int { return r.Modules[a].ID - r.Modules[b].ID })
	return names
}

// admit decides the id of a new module: want, or the smallest free one when want is 0.
func (r Registry) admit(name ha.ModuleName, want int) (int, error) {
	used := map[int]ha.ModuleName{}
	for other, rec := range r.Modules {
		if other != name && strings.EqualFold(string(other), string(name)) {
			return 0, fmt.Errorf("module %s: %s is installed and differs only by case", name, other)
		}
		if other != name {
			used[rec.ID] = other
		}
	}
	if want != 0 {
		if other, taken := used[want]; taken {
			return 0, fmt.Errorf("module id %d is used by %s: choose another with -M", want, other)
		}
		if want < 1 || want > MaxID {
			return 0, fmt.Errorf("module id %d: want 1 to %d", want, MaxID)
		}
		return want, nil
	}
	for id := 1; id <= MaxID; id++ {
		if _, taken := used[id]; !taken {
			return id, nil
		}
	}
	return 0, fmt.Errorf("module %s: all %d module ids are in use: uninstall a module first", name, MaxID)
}

// mirrors counts the configured mirror modules besides name.
func (r Registry) mirrors(name ha.ModuleName) int {
	n := 0
	for other, rec := range r.Modules {
		if other != name && rec.Mode == ha.Mirror.String() {
			n++
		}
	}
	return n
}
