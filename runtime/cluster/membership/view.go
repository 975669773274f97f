package membership

import (
	"cmp"
	"maps"
	"slices"

	"github.com/safehold/safehold/runtime/ha"
)

// view is what was heard of other members under one configuration. It is
// guarded by the Service's mutex.
type view struct {
	seen    map[ha.NodeName]map[string]string // node, lan, signature
	reports map[ha.NodeName]report
}

func newView() view {
	return view{seen: map[ha.NodeName]map[string]string{}, reports: map[ha.NodeName]report{}}
}

// arrive notes that a lan reaches node.
func (v *view) arrive(node ha.NodeName, lan, signature string) {
	if v.seen[node] == nil {
		if len(v.seen) >= maxMembers {
			return
		}
		v.seen[node] = map[string]string{}
	}
	v.seen[node][lan] = signature
}

// leave notes that a lan lost node.
func (v *view) leave(node ha.NodeName, lan string) {
	delete(v.seen[node], lan)
	if len(v.seen[node]) == 0 {
		delete(v.seen, node)
		delete(v.reports, node)
	}
}

// tell keeps a report, and says whether it was news.
func (v *view) tell(r report) bool {
	known, ok := v.reports[r.Node]
	if ok && !r.replaces(known) || !ok && len(v.reports) >= maxMembers {
		return false
	}
	v.reports[r.Node] = r
	return true
}

// nodes lists the members that some lan reaches.
func (v *view) nodes() []ha.NodeName { return slices.Sorted(maps.Keys(v.seen)) }

// reachable tells whether a lan reaches node with this signature.
func (v *view) reachable(node ha.NodeName, signature string) bool {
	for _, s := range v.seen[node] {
		if s == signature {
			return true
		}
	}
	return false
}

// info makes the row of a member that is seen.
func (v *view) info(node ha.NodeName, signature string) Info {
	r := v.reports[node]
	i := Info{Node: node, Signature: r.Signature, Locked: r.Locked, Date: r.Date,
		Modules: slices.Clone(r.Modules), Lans: slices.Sorted(maps.Keys(v.seen[node])),
		Reachable: v.reachable(node, signature)}
	for _, s := range v.seen[node] {
		i.Signature = s // what it announces now, while its report may be older
	}
	return i
}

func compareNames(a, b ha.NodeName) int { return cmp.Compare(a, b) }
