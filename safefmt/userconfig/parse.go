package userconfig

import (
	"errors"

	"github.com/safehold/safehold/runtime/ha"
)

// Parse reads a userconfig.xml. name is the file name used in messages, src
// its bytes in any accepted encoding, env the world to check it against.
//
// The error, if any, is of type Errors and holds all mistakes found; the Config
// is then nil. Warnings are complete in both cases.
func Parse(name string, src []byte, env Env) (*Config, []Warning, error) {
	d := &decoder{report: &report{file: name}, env: env}
	cfg := d.file(src, newExpander(d.report, env.Getenv))
	if cfg != nil && !d.full() {
		d.rules(cfg)
	}
	warnings, err := d.result()
	if err != nil {
		return nil, warnings, err
	}
	return cfg, warnings, nil
}

// ParseSafeconf reads back what WriteSafeconf wrote: no macros, no environment,
// no checks against the world. Its error is of type Errors.
func ParseSafeconf(name string, src []byte) (*Config, error) {
	d := &decoder{report: &report{file: name}, safeconf: true}
	cfg := d.file(src, nil)
	if _, err := d.result(); err != nil {
		return nil, err
	}
	return cfg, nil
}

// file gives the Config, nil when no tree could be made. Macros are expanded
// when x is not nil.
func (d *decoder) file(src []byte, x *expander) *Config {
	doc, err := readDocument(src)
	var syntax *syntaxError
	if errors.As(err, &syntax) {
		d.errorf("U01", syntax.line, "%s", syntax.text)
		return nil
	}
	safe := d.root(doc, x)
	if safe == nil {
		return nil
	}
	if x != nil {
		x.walk(safe)
	}
	services := d.some(safe, "service")
	if len(services) == 0 {
		d.finish(safe)
		return nil
	}
	for _, again := range services[1:] {
		d.errorf("U01", again.line, "several <service> elements: only one is allowed")
	}
	d.finish(safe)
	return d.config(services[0])
}

// root finds <safe>. Macros written before it count as its first children.
func (d *decoder) root(doc *document, x *expander) *node {
	var safe *node
	for _, n := range doc.top {
		switch {
		case n.blank():
		case n.kind != elementNode:
			d.errorf("U01", n.line, "text outside of <safe>")
		case n.name == "macro" && safe == nil && x != nil:
			d.warnf(n.line, "<macro> before <safe>: move it inside")
			x.define(n)
		case n.name == "safe" && safe == nil:
			safe = n
		case n.name == "safe":
			d.errorf("U01", n.line, "several <safe> elements: only one is allowed")
		default:
			d.errorf("U01", n.line, "unexpected root element <%s>: the root is <safe>", clip(n.name))
		}
	}
	if safe == nil && len(d.errs) == 0 {
		d.errorf("U01", 1, "no root element <safe>")
	}
	return safe
}

// config reads <service> and everything below.
func (d *decoder) config(n *node) *Config {
	cfg := &Config{Service: d.service(n), Failover: Failover{Extends: true, Period: defaultPeriod, HandleTime: defaultHandleTime}}
	if sub := d.section(n, "heart", ha.Mirror); sub != nil {
		cfg.Heart = d.heart(sub)
	}
	if sub := d.section(n, "farm", ha.Farm); sub != nil {
		cfg.Farm = d.farm(sub)
	}
	if sub := d.section(n, "vip", ha.Mirror, ha.Farm); sub != nil {
		cfg.VIP = d.vip(sub)
	}
	if sub := d.section(n, "rfs", ha.Mirror); sub != nil {
		cfg.RFS = d.rfs(sub)
	}
	if sub := d.only(n, "user"); sub != nil {
		cfg.User = d.user(sub)
	}
	if sub := d.only(n, "vhost"); sub != nil {
		cfg.VHost = d.vhost(sub)
	}
	errd := d.only(n, "errd")
	if errd != nil {
		cfg.Errd = d.errd(errd)
	}
	cfg.Checks = d.checks(n, cfg)
	failover := d.only(n, "failover")
	if failover != nil {
		cfg.Failover = d.failover(failover)
	}
	d.finish(n)
	d.required(n, errd, cfg)
	d.network(n, cfg)
	d.customRules(n, cfg)
	return cfg
}

// section gives the one element of a name when the mode allows it.
func (d *decoder) section(n *node, name string, modes ...ha.Mode) *node {
	sub := d.only(n, name)
	if sub == nil || !d.allowed(sub, modes...) {
		return nil
	}
	return sub
}

// required reports sections that the mode or another section asks for.
func (d *decoder) required(n, errd *node, cfg *Config) {
	if d.mode == ha.Mirror && cfg.Heart == nil {
		d.errorf("U03", n.line, "missing <heart> in <service>: a mirror module needs it")
	}
	if d.mode == ha.Farm && cfg.Farm == nil {
		d.errorf("U03", n.line, "missing <farm> in <service>: a farm module needs it")
	}
	if errd != nil && cfg.User == nil {
		d.errorf("U12", errd.line, "<errd> requires <user>")
	}
	if d.mode == ha.Mirror && len(d.otherNodes()) > 1 {
		d.errorf("U19", n.line, "a mirror module runs on two nodes only: it is already configured on %s", joinAnd(d.otherNodes()))
	}
}

// rules reports what the rule language finds wrong with <failover>.
func (d *decoder) rules(cfg *Config) {
	if d.env.Rules == nil {
		return
	}
	for _, p := range d.env.Rules(cfg) {
		if p.Warning {
			d.warnf(p.Line, "%s", p.Text)
			continue
		}
		d.errorf("U17", p.Line, "failover rule at line %d: %s", p.Line, p.Text)
	}
}
