package rule

import (
	"slices"
	"strings"

	"github.com/safehold/safehold/runtime/ha"
)

// condition reads an expression and checks that it is a condition. It leaves
// the scanner at the first thing behind it.
func (p *parser) condition() (Node, *Error) {
	n, err := p.binary(0)
	if err != nil {
		return nil, err
	}
	if err := wantCondition(n); err != nil {
		return nil, err
	}
	return n, p.skip()
}

func wantCondition(n Node) *Error {
	switch n.kind() {
	case condition:
		return nil
	case constant:
		return mistake(n.Pos(), "compare it with a resource: tcp.web == "+n.String(), "state %s alone is not a condition", n)
	default:
		return mistake(n.Pos(), "write "+clip(n.String())+" == down", "%s alone is not a condition", clip(n.String()))
	}
}

// levels are the binary operators, weakest first; comparisons do not chain.
func levels() [][]string { return [][]string{{"||"}, {"&&"}, {"==", "!="}} }

func (p *parser) binary(level int) (Node, *Error) {
	ops := levels()
	if level == len(ops) {
		return p.unary()
	}
	x, err := p.binary(level + 1)
	if err != nil {
		return nil, err
	}
	for {
		at, op, err := p.operator(ops[level])
		if err != nil || op == "" {
			return x, err
		}
		y, err := p.binary(level + 1)
		if err != nil {
			return nil, err
		}
		b := &Binary{Op: op, X: x, Y: y, at: at}
		if err := b.check(); err != nil {
			return nil, err
		}
		if b.comparison() {
			return b, p.notChained()
		}
		x = b
	}
}

func (p *parser) operator(ops []string) (Pos, string, *Error) {
	if err := p.skip(); err != nil {
		return p.pos, "", err
	}
	at := p.pos
	for _, op := range ops {
		if p.take(op) {
			return at, op, nil
		}
	}
	for _, single := range []string{"=", "&", "|"} {
		double := single + single
		if strings.HasPrefix(p.rest(), single) && !strings.HasPrefix(p.rest(), double) {
			return at, "", mistake(at, "write "+double, "single %s in a condition", single)
		}
	}
	return at, "", nil
}

func (p *parser) notChained() *Error {
	at, op, err := p.operator([]string{"==", "!="})
	if err == nil && op != "" {
		return mistake(at, "use parentheses", "comparisons cannot be chained")
	}
	return err
}

func (p *parser) unary() (Node, *Error) {
	p.depth++
	defer func() { p.depth-- }()
	if p.depth > maxDepth {
		return nil, mistake(p.pos, "simplify the rule", "condition is nested more than %d deep", maxDepth)
	}
	if err := p.skip(); err != nil {
		return nil, err
	}
	at := p.pos
	switch {
	case strings.HasPrefix(p.rest(), "!="):
		return nil, mistake(at, "", "nothing stands before !=")
	case p.take("!"):
		return p.negation(at)
	case p.take("("):
		n, err := p.binary(0)
		if err != nil {
			return nil, err
		}
		return n, p.expect(")", "", "to close the parenthesis")
	default:
		return p.operand()
	}
}

func (p *parser) negation(at Pos) (Node, *Error) {
	x, err := p.unary()
	if err != nil {
		return nil, err
	}
	if x.kind() != condition {
		return nil, mistake(at, "write !("+clip(x.String())+" == up)", "! wants a condition, not %s", clip(x.String()))
	}
	return &Not{X: x, at: at}, nil
}

// operand reads a reference, a state, cluster() or a fact.
func (p *parser) operand() (Node, *Error) {
	at, next := p.pos, p.next()
	word := p.word()
	if word == "" {
		return nil, mistake(at, "write a comparison such as tcp.web == down", "expected a resource or a state, found %s", next)
	}
	if err := p.skip(); err != nil {
		return nil, err
	}
	rest := p.rest()
	switch {
	case strings.HasPrefix(rest, "."):
		return p.reference(word, at)
	case slices.Contains(States(), word):
		return State{Value: word, at: at}, nil
	case strings.HasPrefix(rest, "("):
		return p.call(word, at)
	case slices.Contains(Classes(), word) || word == "local" || word == "remote":
		return nil, mistake(at, "write "+word+".NAME", "%q wants a dot and a name", word)
	default:
		return nil, mistake(at, suggest(word, States()), "unknown state %q", clip(word))
	}
}

func (p *parser) call(word string, at Pos) (Node, *Error) {
	p.take("(")
	if err := p.expect(")", "", "after "+clip(word)+"("); err != nil {
		return nil, err
	}
	facts := []string{FactPrimary, FactSecondary, FactPeerCurrent}
	switch {
	case word == "cluster":
		return Cluster{at: at}, nil
	case p.env.BuiltIn && slices.Contains(facts, word):
		return Fact{Name: word, at: at}, nil
	default:
		return nil, mistake(at, "cluster() is the only function", "unknown function %q", clip(word))
	}
}

func (p *parser) reference(word string, at Pos) (Node, *Error) {
	remote := word == "remote"
	if !remote && word != "local" {
		return p.refOfClass(word, false, at)
	}
	if remote && p.env.Mode != ha.Mirror {
		return nil, mistake(at, "test a local resource", "remote. needs a mirror module, this one is %s", p.env.Mode)
	}
	p.take(".")
	if err := p.skip(); err != nil {
		return nil, err
	}
	class := p.word()
	if err := p.skip(); err != nil {
		return nil, err
	}
	return p.refOfClass(class, remote, at)
}

// refOfClass reads ".id" behind a class.
func (p *parser) refOfClass(class string, remote bool, at Pos) (Ref, *Error) {
	if !slices.Contains(Classes(), class) {
		return Ref{}, mistake(at, suggest(class, Classes()), "unknown resource class %q", clip(class))
	}
	if !p.take(".") {
		return Ref{}, mistake(p.pos, "write "+class+".NAME", "expected a dot after %q, found %s", class, p.next())
	}
	if err := p.skip(); err != nil {
		return Ref{}, err
	}
	id := p.name()
	if id == "" && (p.take(Any) || p.take(All)) {
		id = p.text[p.off-1 : p.off]
		if tail := p.name(); tail != "" {
			return Ref{}, partial(at, class, id+tail)
		}
	}
	switch {
	case id == "":
		return Ref{}, mistake(p.pos, "write "+class+".NAME", "expected a name, found %s", p.next())
	case strings.HasPrefix(p.rest(), Any), strings.HasPrefix(p.rest(), All):
		return Ref{}, partial(at, class, id+p.rest()[:1])
	}
	return Ref{Remote: remote, Resource: ha.Resource{Class: class, ID: id}, at: at}, nil
}

func partial(at Pos, class, id string) *Error {
	return mistake(at, "write "+class+".? for any or "+class+".* for all", "wildcard in %s.%s must stand alone", class, clip(id))
}

// check applies the typing of failover-rules.md section 5.
func (b *Binary) check() *Error {
	x, y := b.X.kind(), b.Y.kind()
	if !b.comparison() {
		if err := wantCondition(b.X); err != nil {
			return err
		}
		return wantCondition(b.Y)
	}
	switch {
	case x == condition && y == condition:
		return nil
	case x == condition || y == condition:
		return mistake(b.at, "use parentheses", "%s compares a condition with %s", b.Op, operandText(b))
	case x == constant && y == constant:
		return mistake(b.at, "compare a resource with a state", "%s compares two states", b.Op)
	case x == constant || y == constant:
		return nil
	case x == wildcard || y == wildcard:
		return mistake(b.at, "compare it with a state", "%s cannot compare a wildcard with another resource", b.Op)
	case x == reference && y == reference:
		return nil
	default:
		return mistake(b.at, "compare it with up or down", "cluster() can only be compared with a state")
	}
}

// operandText is the side of a mixed comparison that is not a condition.
func operandText(b *Binary) string {
	if b.X.kind() == condition {
		return clip(b.Y.String())
	}
	return clip(b.X.String())
}
