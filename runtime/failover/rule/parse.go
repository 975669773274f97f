package rule

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/safehold/safehold/runtime/ha"
)

// Bounds on foreign text.
const (
	MaxText       = 256 << 10 // bytes of one section
	MaxStatements = 2000      // statements of one section
	maxDepth      = 100       // nested parentheses and negations
	maxErrors     = 20        // mistakes reported for one section
)

// LuaHeader is the first non-blank line of a section in the Lua subset.
const LuaHeader = "--Lua Rules"

// Env is what the meaning of a rule depends on besides its text.
type Env struct {
	Mode    ha.Mode // remote. and swap() need a mirror
	BuiltIn bool    // assignments and facts are allowed: rules of the product itself
	// Ignore, when set, names the labels whose rules are dropped with a warning,
	// whatever they hold (failover-rules.md section 8.5, extends="no").
	Ignore func(label string) bool
}

// Parse reads one section. Its first non-blank line picks the language: LuaHeader
// for the Lua subset, anything else for the rule language. line is the line of
// the configuration file where text begins. The error is Errors and names every
// mistake found; the statements are to be used only without error.
func Parse(text string, line int, env Env) ([]Statement, []Warning, error) {
	start := Pos{Line: line, Column: 1}
	switch {
	case len(text) > MaxText:
		return nil, nil, Errors{mistake(start, "split it", "section of %d bytes is longer than %d", len(text), MaxText)}
	case !utf8.ValidString(text):
		return nil, nil, Errors{mistake(start, "save the file as UTF-8", "section is not valid UTF-8")}
	}
	p := &parser{scanner: newScanner(text, line, isLua(text)), env: env}
	statement := p.plainStatement
	if p.lua {
		p.skipHeader()
		statement = p.luaStatement
	}
	p.run(statement)
	if len(p.errs) > 0 {
		return nil, nil, p.errs
	}
	return p.out, p.warnings, nil
}

func isLua(text string) bool {
	first := strings.TrimLeft(text, " \t\r\n\f\v")
	return strings.TrimRight(first[:lineLength(first)], " \t\r") == LuaHeader
}

type parser struct {
	*scanner
	env      Env
	depth    int
	out      []Statement
	warnings []Warning
	errs     Errors
}

// run reads statements to the end; after a mistake it goes on behind the next
// ";" so that one pass reports all of them.
func (p *parser) run(statement func() *Error) {
	for {
		err := p.skip()
		if err == nil && p.eof() {
			return
		}
		if err == nil && len(p.out) >= MaxStatements {
			err = mistake(p.pos, "split the section", "more than %d statements", MaxStatements)
			p.advance(len(p.rest()))
		}
		if err == nil {
			err = statement()
		}
		if err == nil {
			continue
		}
		p.errs = append(p.errs, err)
		if len(p.errs) >= maxErrors || p.lua {
			return
		}
		p.depth = 0
		p.recover()
	}
}

// plainStatement reads one rule with its final ";", or an empty statement.
func (p *parser) plainStatement() *Error {
	if p.take(";") {
		return nil
	}
	begin := p.pos
	if strings.HasPrefix(p.rest(), "--") {
		return mistake(begin, "put Lua text in a CDATA section of its own that begins with "+LuaHeader,
			"Lua text in a section of the rule language")
	}
	if strings.HasPrefix(p.rest(), "//") || p.rest()[0] == '#' {
		return mistake(begin, "write /* … */", "unknown comment style %s", p.next())
	}
	label, err := p.ruleLabel()
	if err != nil {
		return err
	}
	ignored := p.env.Ignore != nil && p.env.Ignore(label)
	r, err := p.body(label, begin)
	if err != nil && !ignored {
		return err
	}
	if ignored {
		p.warn(begin.Line, "rule "+label+" is ignored: it belongs to the product")
		if err != nil {
			p.depth = 0
			p.recover()
		}
		return nil
	}
	p.out = append(p.out, Statement{Rule: r, Pos: begin})
	return nil
}

func (p *parser) warn(line int, msg string) {
	p.warnings = append(p.warnings, Warning{Line: line, Msg: msg})
}

func (p *parser) ruleLabel() (string, *Error) {
	at := p.pos
	label := p.label()
	if err := p.skip(); err != nil {
		return "", err
	}
	switch {
	case label == "Rules" && strings.HasPrefix(p.rest(), "="), strings.HasPrefix(label, "Rules.") && strings.HasPrefix(p.rest(), "("):
		return "", mistake(at, "put Lua text in a CDATA section of its own that begins with "+LuaHeader,
			"Lua text in a section of the rule language")
	case label == "":
		return "", mistake(at, "write label: if (condition) then action();", "rule has no label, found %s", p.next())
	case label == "if":
		return "", mistake(at, "write label: if (condition) then action();", "rule has no label")
	case slices.Contains(keywords(), label):
		return "", mistake(at, "choose another label", "label %q is a keyword", label)
	case !p.take(":"):
		return "", mistake(p.pos, "write "+clip(label)+": if (condition) then action();",
			"no colon after label %q, found %s", clip(label), p.next())
	}
	return label, nil
}

func keywords() []string {
	return []string{"if", "then", "local", "remote", "up", "down", "init", "unknown",
		"stop", "stopstart", "wait", "restart", "swap", "cluster"}
}

// body reads "if (condition) then action;".
func (p *parser) body(label string, begin Pos) (*Rule, *Error) {
	if err := p.expectWord("if", "after the label"); err != nil {
		return nil, err
	}
	if err := p.expect("(", "write the condition in parentheses: if (…) then", "after if"); err != nil {
		return nil, err
	}
	cond, err := p.condition()
	if err != nil {
		return nil, err
	}
	if err := p.expect(")", "", "after the condition"); err != nil {
		return nil, err
	}
	if err := p.expectWord("then", "after the condition"); err != nil {
		return nil, err
	}
	act, err := p.action()
	if err != nil {
		return nil, err
	}
	if err := p.skip(); err != nil {
		return nil, err
	}
	switch {
	case p.take(";"):
	case p.eof():
		p.warn(p.pos.Line, "no ; after the last rule")
	default:
		return nil, mistake(p.pos, "end the rule with ;", "unexpected %s after the action", p.next())
	}
	return &Rule{Label: label, Cond: cond, Action: act, Group: Checker, Pos: begin}, nil
}

func (p *parser) expectWord(word, where string) *Error {
	if err := p.skip(); err != nil {
		return err
	}
	at, next := p.pos, p.next()
	if got := p.word(); got != word {
		return mistake(at, "write label: if (condition) then action();", "expected %q %s, found %s", word, where, next)
	}
	return nil
}

func (p *parser) expect(lit, hint, where string) *Error {
	if err := p.skip(); err != nil {
		return err
	}
	if !p.take(lit) {
		return mistake(p.pos, hint, "expected %q %s, found %s", lit, where, p.next())
	}
	return nil
}

// action reads verb() or, for built-in rules, resource=value.
func (p *parser) action() (Action, *Error) {
	if err := p.skip(); err != nil {
		return Action{}, err
	}
	at, next := p.pos, p.next()
	word := p.word()
	if err := p.skip(); err != nil {
		return Action{}, err
	}
	if strings.HasPrefix(p.rest(), ".") || strings.HasPrefix(p.rest(), "=") {
		return p.assignment(word, at)
	}
	verb, err := p.verb(word, next, at)
	if err != nil {
		return Action{}, err
	}
	if err := p.expect("(", "write "+word+"()", "after the action"); err != nil {
		return Action{}, err
	}
	if err := p.skip(); err != nil {
		return Action{}, err
	}
	if !p.take(")") {
		return Action{}, mistake(p.pos, "write "+word+"()", "action %s takes no argument", word)
	}
	return Action{Verb: verb}, nil
}

func (p *parser) verb(word, found string, at Pos) (ha.Verb, *Error) {
	for _, v := range Verbs() {
		if v.String() != word {
			continue
		}
		if v == ha.VerbSwap && p.env.Mode != ha.Mirror {
			return 0, mistake(at, "use restart() or stopstart()", "swap() needs a mirror module, this one is %s", p.env.Mode)
		}
		return v, nil
	}
	names := make([]string, 0, len(Verbs()))
	for _, v := range Verbs() {
		names = append(names, v.String())
	}
	if word == "" {
		return 0, mistake(at, "write one of "+strings.Join(names, "(), ")+"()", "expected an action, found %s", found)
	}
	return 0, mistake(at, suggest(word, names), "unknown action %q", clip(word))
}

func (p *parser) assignment(class string, at Pos) (Action, *Error) {
	if !p.env.BuiltIn {
		return Action{}, mistake(at, "use an action such as stopstart()", "only built-in rules may assign a resource")
	}
	ref, err := p.refOfClass(class, false, at)
	if err != nil {
		return Action{}, err
	}
	if err := p.expect("=", "", "after the resource"); err != nil {
		return Action{}, err
	}
	if err := p.skip(); err != nil {
		return Action{}, err
	}
	value := p.word()
	if ref.Wild() || !slices.Contains(States(), value) {
		return Action{}, mistake(at, "", "assignment wants one resource and one of its states")
	}
	return Action{Set: &Assignment{Resource: ref.Resource, Value: value}}, nil
}
