package rule

import "strings"

// The Lua subset (failover-rules.md section 12). Nothing is executed: the text
// must have exactly the shapes
//
//	Rules = Rules + { label = if_then("class.id", "state", Action.verb), _group = "checker" }
//	Rules.disable("label")
//
// with comment lines anywhere between tokens.

// skipHeader moves behind the first line with text, which is LuaHeader.
func (p *parser) skipHeader() {
	for !p.eof() && blank(p.rest()[0]) {
		p.advance(1)
	}
	p.advance(lineLength(p.rest()))
}

func (p *parser) luaStatement() *Error {
	at := p.pos
	if strings.HasPrefix(p.rest(), "/*") {
		return mistake(at, "begin comment lines with --", "rule language comment in a Lua section")
	}
	next := p.next()
	if p.label() == "Rules.disable" {
		return p.luaDisable(at)
	}
	p.rewind(at)
	if p.word() != "Rules" {
		return p.unsupported(at, next)
	}
	for _, lit := range []string{"=", "Rules", "+", "{"} {
		if err := p.luaToken(lit); err != nil {
			return err
		}
	}
	return p.luaTable()
}

// rewind goes back to a place on the current line.
func (p *parser) rewind(at Pos) {
	p.off -= p.pos.Column - at.Column // labels are ASCII: one byte, one column
	p.pos = at
}

// unsupported tells rule text from foreign Lua.
func (p *parser) unsupported(at Pos, next string) *Error {
	p.rewind(at)
	p.label()
	if p.skip() == nil && strings.HasPrefix(p.rest(), ":") {
		return mistake(at, "put it in a CDATA section of its own without "+LuaHeader, "rule text in a Lua section")
	}
	return mistake(at, `only Rules = Rules + {…} and Rules.disable("…") are known`, "unsupported Lua construct %s", next)
}

func (p *parser) luaToken(lit string) *Error {
	if err := p.skip(); err != nil {
		return err
	}
	if !p.take(lit) {
		return mistake(p.pos, "expected "+lit, "unsupported Lua construct %s", p.next())
	}
	return nil
}

func (p *parser) luaDisable(at Pos) *Error {
	if err := p.luaToken("("); err != nil {
		return err
	}
	label, err := p.luaString()
	if err != nil {
		return err
	}
	if label == "" {
		return mistake(at, "name a rule", "Rules.disable without a label")
	}
	if err := p.luaToken(")"); err != nil {
		return err
	}
	p.out = append(p.out, Statement{Disable: label, Pos: at})
	return nil
}

// luaTable reads the fields up to the closing brace.
func (p *parser) luaTable() *Error {
	for {
		if err := p.skip(); err != nil {
			return err
		}
		if err := p.luaField(); err != nil {
			return err
		}
		if err := p.skip(); err != nil {
			return err
		}
		separated := p.take(",") || p.take(";")
		if err := p.skip(); err != nil {
			return err
		}
		if p.take("}") {
			return nil
		}
		if !separated {
			return mistake(p.pos, "separate fields with a comma", "unsupported Lua construct %s", p.next())
		}
		if len(p.out) >= MaxStatements {
			return mistake(p.pos, "split the section", "more than %d statements", MaxStatements)
		}
	}
}

func (p *parser) luaField() *Error {
	at, next := p.pos, p.next()
	label := p.label()
	if label == "" {
		return mistake(at, `write label = if_then("class.id","state",Action.verb)`, "unsupported Lua construct %s", next)
	}
	if err := p.luaToken("="); err != nil {
		return err
	}
	if label == "_group" {
		return p.luaGroup(at)
	}
	for _, k := range keywords() {
		if k == label {
			return mistake(at, "choose another label", "label %q is a keyword", label)
		}
	}
	r, err := p.ifThen(label, at)
	if err != nil {
		return err
	}
	if p.env.Ignore != nil && p.env.Ignore(label) {
		p.warn(at.Line, "rule "+label+" is ignored: it belongs to the product")
		return nil
	}
	p.out = append(p.out, Statement{Rule: r, Pos: at})
	return nil
}

func (p *parser) luaGroup(at Pos) *Error {
	group, err := p.luaString()
	if err == nil && group != string(Checker) {
		p.warn(at.Line, `rule group "`+clip(group)+`" is treated as "checker"`)
	}
	return err
}

// ifThen reads if_then("class.id","state",Action.verb).
func (p *parser) ifThen(label string, at Pos) (*Rule, *Error) {
	for _, lit := range []string{"if_then", "("} {
		if err := p.luaToken(lit); err != nil {
			return nil, err
		}
	}
	cond, err := p.luaCondition()
	if err != nil {
		return nil, err
	}
	for _, lit := range []string{",", "Action."} {
		if err := p.luaToken(lit); err != nil {
			return nil, err
		}
	}
	verbAt, next := p.pos, p.next()
	verb, err := p.verb(p.word(), next, verbAt)
	if err != nil {
		return nil, err
	}
	if err := p.luaToken(")"); err != nil {
		return nil, err
	}
	return &Rule{Label: label, Cond: cond, Action: Action{Verb: verb}, Group: Checker, Pos: at}, nil
}

// luaCondition reads the first two strings of if_then as reference == state.
func (p *parser) luaCondition() (Node, *Error) {
	if err := p.skip(); err != nil {
		return nil, err
	}
	at := p.pos
	text, err := p.luaString()
	if err != nil {
		return nil, err
	}
	if err := p.luaToken(","); err != nil {
		return nil, err
	}
	if err := p.skip(); err != nil {
		return nil, err
	}
	stateAt := p.pos
	state, err := p.luaString()
	if err != nil {
		return nil, err
	}
	ref, err := p.refFromString(text, at)
	if err != nil {
		return nil, err
	}
	for _, s := range States() {
		if s == state {
			return &Binary{Op: "==", X: ref, Y: State{Value: state, at: stateAt}, at: stateAt}, nil
		}
	}
	return nil, mistake(stateAt, suggest(state, States()), "unknown state %q", clip(state))
}

// refFromString parses the whole of text as one reference.
func (p *parser) refFromString(text string, at Pos) (Node, *Error) {
	sub := &parser{scanner: &scanner{text: text, pos: at}, env: Env{Mode: p.env.Mode}}
	n, err := sub.operand()
	if err != nil {
		err.Pos = at
		return nil, err
	}
	ref, ok := n.(Ref)
	if !ok || !sub.eof() || ref.String() != strings.TrimPrefix(text, "local.") {
		return nil, mistake(at, `write "class.id"`, "%q is not a resource", clip(text))
	}
	ref.at = at
	return ref, nil
}

// luaString reads "…" or '…' on one line, without escapes.
func (p *parser) luaString() (string, *Error) {
	if err := p.skip(); err != nil {
		return "", err
	}
	at, rest := p.pos, p.rest()
	if rest == "" || rest[0] != '"' && rest[0] != '\'' {
		return "", mistake(at, "expected a string in quotes", "unsupported Lua construct %s", p.next())
	}
	end := strings.IndexByte(rest[1:], rest[0])
	if end < 0 || strings.ContainsAny(rest[1:end+1], "\n\\") {
		return "", mistake(at, "close the quotes on the same line and use no \\", "unsupported Lua construct: string")
	}
	p.advance(end + 2)
	return rest[1 : end+1], nil
}
