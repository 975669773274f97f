package userconfig

// network checks what concerns the networks of the whole file: the 7.1 syntax
// is not mixed with today's, and there is a use for a replication network.
func (d *decoder) network(service *node, cfg *Config) {
	old, now := networkForms(service)
	if old != nil && now != nil {
		later := old
		if now.line > old.line {
			later = now
		}
		d.errorf("U16", later.line, "mixed 7.1 and 7.2 network syntax: use name= everywhere or <%s> everywhere", oldChild(old))
	}
	if cfg.Heart == nil || cfg.RFS != nil || d.safeconf {
		return
	}
	for _, sub := range service.elems("heart")[0].elems("heartbeat") {
		if a := sub.lookup("ident"); a != nil && a.value == FlowIdent {
			d.warnf(a.line, "ident '%s' is for replication, but there is no <rfs>: the module will stay in WAIT", FlowIdent)
		}
	}
}

// networkForms gives the first element of the 7.1 form and the first of today's.
func networkForms(service *node) (old, now *node) {
	for _, path := range [][2]string{{"heart", "heartbeat"}, {"farm", "lan"}, {"rfs", "flow"}} {
		for _, parent := range service.elems(path[0]) {
			for _, n := range parent.elems(path[1]) {
				a := n.lookup("name")
				switch {
				case oldChild(n) != "":
					if old == nil {
						old = n
					}
					if a != nil && a.value != "" && n.name != "flow" && now == nil {
						now = n
					}
				case a != nil && a.value != "" && now == nil:
					now = n
				}
			}
		}
	}
	return old, now
}

// oldChild gives the name of the child that marks the 7.1 form, or "".
func oldChild(n *node) string {
	for _, c := range n.children {
		if c.kind == elementNode && (c.name == "server" || c.name == "node") {
			return c.name
		}
	}
	return ""
}
