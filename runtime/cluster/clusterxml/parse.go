package clusterxml

import (
	"slices"

	"github.com/safehold/safehold/runtime/ha"
)

// Parse reads a cluster.xml. name is the file name shown in messages; src its
// bytes (UTF-8, at most MaxSize). The error is a Mistakes with everything that
// is wrong (rows C01 to C11 of cluster-xml.md section 5); unresolvable names
// are found by Resolve, and rows C12 to C14 by the cluster manager.
func Parse(name string, src []byte) (*Config, []Warning, error) {
	p := &parser{report: report{file: name}}
	root, line, err := readTree(src)
	if err != nil {
		p.errorf(line, "cluster configuration: %v", err)
		return nil, nil, p.err()
	}
	cfg := p.cluster(root)
	if cfg != nil {
		p.check(cfg)
	}
	if err := p.err(); err != nil {
		return nil, p.warnings, err
	}
	return cfg, p.warnings, nil
}

// parser turns the tree into a Config.
type parser struct {
	report
	obsolete bool // the one warning on obsolete attributes was given
}

// cluster reads the root; nil when there is no usable <lans>.
func (p *parser) cluster(root *element) *Config {
	if root.name != "cluster" {
		p.errorf(root.line, "cluster configuration: root element is <%s>, want <cluster>", clip(root.name))
		return nil
	}
	p.attrs(root)
	var lans *element
	for _, c := range root.children {
		switch {
		case c.name != "lans":
			p.unknownElement(c, root, "lans")
		case lans != nil:
			p.errorf(c.line, "cluster configuration: <lans> is repeated")
		default:
			lans = c
		}
	}
	if lans == nil {
		p.errorf(root.line, "cluster configuration: <lans> is missing")
		return nil
	}
	return p.lans(lans)
}

func (p *parser) lans(e *element) *Config {
	p.attrs(e, "port", "pulse", "mlost_count", "slost_count")
	cfg := &Config{
		Port:  p.integer(e, "port", DefaultPort, maxPort),
		Pulse: p.pulse(e),
		MLost: p.integer(e, "mlost_count", DefaultMLost, maxCount),
		SLost: p.integer(e, "slost_count", DefaultSLost, maxCount),
	}
	for _, c := range e.children {
		if c.name != "lan" {
			p.unknownElement(c, e, "lan")
			continue
		}
		cfg.Lans = append(cfg.Lans, p.lan(c))
	}
	if len(cfg.Lans) == 0 {
		p.errorf(e.line, "at least one <lan> with two <node> is required")
		return nil
	}
	return cfg
}

func (p *parser) lan(e *element) Lan {
	p.attrs(e, "name", "command", "console", "framework", "connect")
	l := Lan{Name: p.identifier(e), Command: p.onOff(e, "command"), line: e.line}
	for _, c := range e.children {
		if c.name != "node" {
			p.unknownElement(c, e, "node")
			continue
		}
		l.Nodes = append(l.Nodes, p.node(c, l.Name))
	}
	if len(l.Nodes) < 2 {
		p.errorf(e.line, "at least one <lan> with two <node> is required")
	}
	return l
}

func (p *parser) node(e *element, lan string) Node {
	p.attrs(e, "name", "addr", "laddr")
	for _, c := range e.children {
		p.unknownElement(c, e)
	}
	n := Node{Name: ha.NodeName(p.identifier(e)), line: e.line}
	if raw, ok := p.required(e, "addr"); ok {
		n.Addr = p.address(e, "addr", raw, n.Name, lan)
	}
	if raw, ok := e.get("laddr"); ok {
		n.LAddr = p.address(e, "laddr", raw, n.Name, lan)
	}
	return n
}

// attrs refuses what is not in known and warns once about obsolete attributes.
func (p *parser) attrs(e *element, known ...string) {
	for _, a := range e.attrs {
		switch {
		case !slices.Contains(known, a.name):
			p.errorf(e.line, "unknown attribute '%s' in <%s>%s", clip(a.name), e.name, suggestion(a.name, known))
		case a.name == "console" || a.name == "framework" || a.name == "connect":
			if !p.obsolete {
				p.warnf(e.line, "attribute '%s' in <%s> is obsolete and ignored", a.name, e.name)
			}
			p.obsolete = true
		}
	}
}

func (p *parser) unknownElement(e, parent *element, known ...string) {
	p.errorf(e.line, "unknown element <%s> in <%s>%s", clip(e.name), parent.name, suggestion(e.name, known))
}
