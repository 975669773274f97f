package cluster

import (
	"github.com/safehold/safehold/runtime/cluster/membership"
	"github.com/safehold/safehold/runtime/ha"
)

// Confinfo is `safekit cluster confinfo`: a row per node that is heard, by
// name, and the configured nodes that do not answer.
func (m *Manager) Confinfo() (rows []membership.Info, missing []ha.NodeName, err error) {
	a := m.Active()
	if a == nil {
		return nil, nil, ErrNotConfigured
	}
	heard := map[ha.NodeName]bool{}
	if m.Membership != nil {
		rows = m.Membership.Nodes()
	}
	for _, r := range rows {
		heard[r.Node] = true
	}
	for _, n := range a.Config.Nodes() {
		if !heard[n] {
			missing = append(missing, n)
		}
	}
	return rows, missing, nil
}

// ModuleRow is a line of `safekit cluster state`.
type ModuleRow struct {
	Node   ha.NodeName
	Module membership.ModuleInfo
}

// State is `safekit cluster state`: every configured module of every node that
// is heard, by node.
func (m *Manager) State() ([]ModuleRow, error) {
	rows, _, err := m.Confinfo()
	if err != nil {
		return nil, err
	}
	var out []ModuleRow
	for _, r := range rows {
		for _, mod := range r.Modules {
			out = append(out, ModuleRow{r.Node, mod})
		}
	}
	return out, nil
}
