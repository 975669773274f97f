package userconfig

import (
	"slices"
	"strings"
)

// otherNodes are the nodes, this one apart, on which the module is configured.
func (d *decoder) otherNodes() []string {
	others := slices.Clone(d.env.ModuleNodes)
	return slices.DeleteFunc(others, func(n string) bool { return n == d.env.Node })
}

// moduleNodes are the nodes that must be on every network of the module.
func (d *decoder) moduleNodes() []string {
	nodes := d.otherNodes()
	if d.env.Node != "" {
		nodes = append(nodes, d.env.Node)
	}
	return nodes
}

// configured tells whether a cluster is known and has networks, and reports at
// line when it is known to have none.
func (d *decoder) configured(line int) bool {
	if d.env.Cluster == nil || d.safeconf {
		return false
	}
	if len(d.env.Cluster.Lans) == 0 {
		if d.noCluster {
			return false
		}
		d.noCluster = true
		d.errorf("U09", line, "the cluster is not configured: configure it first")
		return false
	}
	return true
}

// checkLan reports a network that the cluster does not have, or that misses a
// node of the module.
func (d *decoder) checkLan(n *node, name string) {
	line := n.lineOf("name")
	if name == "" || !d.configured(line) {
		return
	}
	lans := d.env.Cluster.Lans
	i := slices.IndexFunc(lans, func(l Lan) bool { return l.Name == name })
	if i < 0 {
		d.errorf("U09", line, "network '%s' is not defined in the cluster configuration%s", clip(name),
			didYouMean(name, d.lanNames(), "'%s'"))
		return
	}
	if missing := d.missingNode(lans[i]); missing != "" {
		d.errorf("U09", line, "network '%s' of the cluster configuration does not contain the node '%s'", name, missing)
	}
}

// firstLan gives the first network that has all nodes of the module, or "".
func (d *decoder) firstLan() string {
	if d.env.Cluster == nil {
		return ""
	}
	for _, l := range d.env.Cluster.Lans {
		if d.missingNode(l) == "" {
			return l.Name
		}
	}
	return ""
}

func (d *decoder) missingNode(l Lan) string {
	for _, n := range d.moduleNodes() {
		if !slices.Contains(l.Nodes, n) {
			return n
		}
	}
	return ""
}

// checkNode reports a node that the cluster does not have.
func (d *decoder) checkNode(n *node, attr, name string) {
	line := n.lineOf(attr)
	if name == "" || !d.configured(line) || slices.Contains(d.nodeNames(), name) {
		return
	}
	d.errorf("U09", line, "node '%s' is not defined in the cluster configuration%s", clip(name),
		didYouMean(name, d.nodeNames(), "'%s'"))
}

func (d *decoder) lanNames() []string {
	var names []string
	for _, l := range d.env.Cluster.Lans {
		names = append(names, l.Name)
	}
	return names
}

// nodeNames are the node names of the cluster, each once.
func (d *decoder) nodeNames() []string {
	var names []string
	for _, l := range d.env.Cluster.Lans {
		for _, n := range l.Nodes {
			if !slices.Contains(names, n) {
				names = append(names, n)
			}
		}
	}
	return names
}

// placeholderLan resolves name="" of a heartbeat or farm network, filled in by
// old consoles (userconfig-xml.md section 16).
func (d *decoder) placeholderLan(n *node) string {
	line := n.lineOf("name")
	if d.env.Cluster != nil && !d.configured(line) {
		return ""
	}
	lan := d.firstLan()
	switch {
	case d.env.Cluster == nil:
		d.errorf("U04", line, "empty value for the attribute name in <%s>", n.name)
	case lan == "":
		d.errorf("U09", line, "no network of the cluster configuration contains the nodes of the module")
	default:
		d.warnf(line, "empty network name in <%s>: '%s', the first network of the cluster, is used", n.name, lan)
	}
	return lan
}

func joinAnd(names []string) string {
	last := len(names) - 1
	if last < 1 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:last], ", ") + " and " + names[last]
}
