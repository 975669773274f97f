package failover

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/safehold/safehold/runtime/failover/rule"
	"github.com/safehold/safehold/runtime/ha"
)

// NewSet composes the rules of a module: component, default, generated, user
// (failover-rules.md section 8). The error names every mistake with its line;
// where it lies in rule text, errors.As finds rule.Errors.
func NewSet(c Config) (*Set, []rule.Warning, error) {
	if err := c.check(); err != nil {
		return nil, nil, err
	}
	b := &builder{config: c, set: &Set{period: c.Period, handleTime: c.HandleTime,
		members: map[string][]string{}, roleBound: map[ha.Resource]bool{}}}
	b.set.declare(c.resources())
	if err := b.product(); err != nil {
		return nil, nil, err
	}
	if !c.Extends {
		b.warn(0, `failover extends="no" drops the default rules; prefer Rules.disable or a rule with the same label`)
	}
	for _, section := range c.Sections {
		b.section(section)
	}
	if len(b.errs) > 0 {
		return nil, nil, b.errs
	}
	b.remarks()
	return b.set, b.warnings, nil
}

type builder struct {
	config   Config
	set      *Set
	warnings []rule.Warning
	errs     rule.Errors
}

func (b *builder) warn(line int, format string, args ...any) {
	b.warnings = append(b.warnings, rule.Warning{Line: line, Msg: fmt.Sprintf(format, args...)})
}

func (b *builder) fail(p rule.Pos, hint, format string, args ...any) {
	b.errs = append(b.errs, &rule.Error{Pos: p, Msg: fmt.Sprintf(format, args...), Hint: hint})
}

// product adds the component, default and generated rules.
func (b *builder) product() error {
	rules, err := builtIn(b.config.componentText(), rule.Component, OriginComponent)
	if err != nil {
		return fmt.Errorf("component rules: %w", err)
	}
	b.set.rules = rules
	if b.config.Extends {
		rules, err := builtIn(rulesDefault, rule.Checker, OriginDefault)
		if err != nil {
			return fmt.Errorf("default rules: %w", err)
		}
		b.set.rules = append(b.set.rules, rules...)
	}
	for _, c := range b.config.Checkers {
		if err := b.checker(c); err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) checker(c Checker) error {
	if c.roleBound() {
		b.set.roleBound[c.Resource()] = true
	}
	verb, err := c.verb()
	if err != nil || verb == ha.VerbNone {
		return err
	}
	label := c.Class[:1] + "_" + c.Ident
	if b.find(label) >= 0 {
		return fmt.Errorf("checker %s is declared twice", c.Resource())
	}
	e := entry{origin: OriginGenerated, Rule: rule.Rule{Label: label, Group: rule.Checker,
		Cond: rule.Test(c.Resource(), ha.ValueDown), Action: rule.Action{Verb: verb}}}
	if c.Action == "" {
		e.alias = map[string]string{"tcp": labelTCPFailure, "ping": labelPingFailure}[c.Class]
	}
	b.set.rules = append(b.set.rules, e)
	return nil
}

func (b *builder) find(label string) int {
	return slices.IndexFunc(b.set.rules, func(e entry) bool { return e.Label == label })
}

// section adds what one text says; blank text says nothing.
func (b *builder) section(s Section) {
	if strings.TrimSpace(s.Text) == "" {
		return
	}
	env := rule.Env{Mode: b.config.Mode}
	if !b.config.Extends {
		env.Ignore = Reserved
	}
	statements, warnings, err := rule.Parse(s.Text, s.Line, env)
	if err != nil {
		var list rule.Errors
		if errors.As(err, &list) {
			b.errs = append(b.errs, list...)
		}
		return
	}
	b.warnings = append(b.warnings, warnings...)
	for _, st := range statements {
		if st.Rule != nil {
			b.user(*st.Rule)
		} else {
			b.disable(st.Disable, st.Pos)
		}
	}
}

// user adds a user rule in place of a default or generated one of that label.
func (b *builder) user(r rule.Rule) {
	if Reserved(r.Label) {
		b.fail(r.Pos, "choose another label", "label %q belongs to the product", r.Label)
		return
	}
	if i := b.find(r.Label); i >= 0 && b.set.rules[i].origin == OriginUser {
		b.fail(r.Pos, "choose another label", "label %q is already used at line %d", r.Label, b.set.rules[i].Pos.Line)
		return
	}
	for _, old := range b.remove(r.Label) {
		b.warn(r.Pos.Line, "rule %s replaces the %s rule %s", r.Label, old.origin, old.Label)
	}
	b.set.rules = append(b.set.rules, entry{Rule: r, origin: OriginUser})
}

// remove takes out the rules under a label or its older name.
func (b *builder) remove(label string) []entry {
	var gone []entry
	b.set.rules = slices.DeleteFunc(b.set.rules, func(e entry) bool {
		hit := e.Label == label || e.alias == label
		if hit {
			gone = append(gone, e)
		}
		return hit
	})
	return gone
}

func (b *builder) disable(label string, p rule.Pos) {
	if Reserved(label) {
		b.fail(p, "remove the line", "rule %q belongs to the product and cannot be disabled", label)
		return
	}
	if len(b.remove(label)) == 0 {
		b.warn(p.Line, "Rules.disable of %s, which is not a rule so far", label)
	}
}

// remarks are the warnings about the finished set.
func (b *builder) remarks() {
	for _, e := range b.set.rules {
		if e.origin == OriginUser {
			b.remarkRefs(e)
		}
	}
	for _, c := range b.config.Checkers {
		if verb, _ := c.verb(); c.Class == "custom" && verb == ha.VerbNone && !b.mentioned(c.Resource()) {
			b.warn(0, "custom checker %s has no action and no rule mentions %s", c.Ident, c.Resource())
		}
	}
}

func (b *builder) remarkRefs(e entry) {
	warned := map[rule.Ref]bool{}
	for _, ref := range e.Refs() {
		key := rule.Ref{Remote: ref.Remote, Resource: ref.Resource}
		if warned[key] {
			continue
		}
		warned[key] = true
		if !ref.Wild() && !b.set.Declares(ref.Resource) {
			b.warn(e.Pos.Line, "rule %s: nothing in this configuration declares %s", e.Label, ref)
		}
		bound := func(r ha.Resource) bool { return b.set.roleBound[r] }
		expanded := b.set.expand(ref, func(class string) []string { return b.set.members[class] })
		if e.Action.Verb == ha.VerbWait && !ref.Remote && slices.ContainsFunc(expanded, bound) {
			b.warn(e.Pos.Line, "rule %s: %s has no value in WAIT, so wait() acts as stopstart()", e.Label, ref)
		}
	}
}

// mentioned tells whether some rule reads the resource.
func (b *builder) mentioned(r ha.Resource) bool {
	for _, e := range b.set.rules {
		for _, ref := range e.Refs() {
			if ref.Resource == r || ref.Wild() && ref.Class == r.Class {
				return true
			}
		}
	}
	return false
}
