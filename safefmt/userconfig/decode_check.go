package userconfig

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/safehold/safehold/runtime/ha"
)

// mirror tells whether the module is, or may be, a mirror.
func (d *decoder) mirror() bool { return d.mode == ha.Mirror || d.mode == 0 }

// checkReader reads <check> and keeps what its checkers have in common.
type checkReader struct {
	*decoder
	checks   Checks
	position int
	seen     map[string]bool // class.ident
}

// checks reads all <check> sections and adds the checkers <vip> generates.
func (d *decoder) checks(service *node, cfg *Config) Checks {
	c := &checkReader{decoder: d, seen: map[string]bool{}}
	sections := service.elems("check")
	for i, n := range sections {
		if i > 0 {
			d.warnf(n.line, "several <check> sections: they are merged")
		}
		c.section(n)
	}
	if cfg.VIP != nil && !d.safeconf {
		c.generate(cfg.VIP)
	}
	return c.checks
}

// section reads the checkers of one <check>, also of one inside another.
func (c *checkReader) section(n *node) {
	readers := map[string]func(*node){"tcp": c.tcp, "ping": c.ping, "intf": c.intf, "ip": c.ip,
		"custom": c.custom, "module": c.module, "splitbrain": c.splitbrain}
	for name := range readers {
		n.askedElems = append(n.askedElems, name)
	}
	slices.Sort(n.askedElems)
	for _, sub := range n.children {
		read := readers[sub.name]
		switch {
		case sub.kind != elementNode:
		case sub.name == "check":
			n.askedElems = append(n.askedElems, "check")
			c.warnf(sub.line, "<check> inside <check>: they are merged")
			c.section(sub)
		case read != nil:
			c.position++
			read(sub)
			c.finish(sub)
		}
	}
	c.finish(n)
}

// claim reports an ident used twice in a class.
func (c *checkReader) claim(n *node, ident string) {
	key := n.name + "." + ident
	if ident != "" && c.seen[key] {
		c.errorf("U10", n.lineOf("ident"), "duplicate ident '%s' in <%s>", clip(ident), n.name)
	}
	c.seen[key] = true
}

func (c *checkReader) tcp(n *node) {
	t := TCPCheck{Position: c.position, Ident: c.ident(n), When: c.when(n)}
	def := ActionRestart
	if t.When == WhenPre {
		def = ActionWait
	}
	t.Action, t.Implied = c.action(n, t.When, def)
	c.claim(n, t.Ident)
	if to := c.to(n); to != nil {
		t.Addr = c.address(to, "addr")
		t.Port = c.needPort(to)
		t.Interval, t.Timeout = c.interval(to), c.timeout(to)
		c.finish(to)
	}
	c.checks.TCP = append(c.checks.TCP, t)
}

func (c *checkReader) ping(n *node) {
	p := PingCheck{Position: c.position, Ident: c.ident(n), When: WhenPre}
	if n.has("when") {
		p.When = c.when(n)
	}
	def := ActionStopStart
	if p.When == WhenPre {
		def = ActionWait
	}
	p.Action, p.Implied = c.action(n, p.When, def)
	if p.Implied && p.When != WhenPre && p.When != "" && !c.safeconf {
		c.warnf(n.line, "missing attribute 'action' in <ping> with when='%s': '%s' is used", p.When, def)
	}
	c.claim(n, p.Ident)
	if to := c.to(n); to != nil {
		p.Addr = c.address(to, "addr")
		p.Interval, p.Timeout = c.interval(to), c.timeout(to)
		c.finish(to)
	}
	c.checks.Ping = append(c.checks.Ping, p)
}

func (c *checkReader) intf(n *node) {
	i := IntfCheck{Position: c.position, Ident: c.ident(n), Generated: c.generated(n)}
	c.enum(n, "when", string(WhenPre))
	c.claim(n, i.Ident)
	if to := c.to(n); to != nil {
		i.LocalAddr = c.address(to, "local_addr")
		if _, literal := parseIP(i.LocalAddr); i.LocalAddr != "" && !literal {
			c.invalid(to, "local_addr", " (expected an IP address of this node)")
		}
		c.finish(to)
	}
	c.checks.Intf = append(c.checks.Intf, i)
}

func (c *checkReader) ip(n *node) {
	i := IPCheck{Position: c.position, Ident: c.ident(n), When: c.ipWhen(), Generated: c.generated(n)}
	if w := c.str(n, "when", string(i.When)); w != string(i.When) {
		c.errorf("U08", n.lineOf("when"), "when='%s' is not allowed in <ip> of a %s module (expected '%s')", clip(w), c.mode, i.When)
	}
	c.claim(n, i.Ident)
	if to := c.to(n); to != nil {
		i.Addr, i.Interval = c.address(to, "addr"), c.interval(to)
		c.finish(to)
	}
	c.checks.IP = append(c.checks.IP, i)
}

// ipWhen is the life time of ip checkers in the module's mode.
func (c *checkReader) ipWhen() When {
	if c.mirror() {
		return WhenPrim
	}
	return WhenBoth
}

func (c *checkReader) custom(n *node) {
	k := CustomCheck{Position: c.position, Ident: c.ident(n), When: c.when(n), Exec: c.need(n, "exec")}
	k.Action, _ = c.action(n, k.When, ActionNone)
	c.claim(n, k.Ident)
	c.customKind(n, &k)
	c.customArg(n, &k)
	if k.Exec != "" {
		c.checkExec(n, k.Exec)
	}
	c.checks.Custom = append(c.checks.Custom, k)
}

// customKind reads what tells a plugin from a script.
func (c *checkReader) customKind(n *node, k *CustomCheck) {
	if k.Plugin = c.enum(n, "kind", kindScript, kindPlugin) == kindPlugin; k.Plugin {
		k.Interval, k.Timeout = c.interval(n), c.timeout(n)
		return
	}
	for _, name := range []string{"interval", "timeout"} {
		if n.has(name) {
			c.errorf("U02", n.lineOf(name), "attribute '%s' in <custom> is for plugins: add kind='plugin' or remove it", name)
		}
	}
}

// customArg reads arg: a script gets its words, a plugin the text.
func (c *checkReader) customArg(n *node, k *CustomCheck) {
	a := n.lookup("arg")
	if a == nil || a.broken {
		return
	}
	if k.Arg = a.value; k.Plugin {
		return
	}
	var err error
	if k.Args, err = splitWords(a.value); err != nil {
		c.invalid(n, "arg", " ("+err.Error()+")")
	}
}

func (c *checkReader) checkExec(n *node, exec string) {
	switch err := c.executable(exec); {
	case err == nil:
	case errors.Is(err, fs.ErrNotExist):
		c.errorf("U15", n.lineOf("exec"), "exec '%s' not found in bin", clip(exec))
	default:
		c.errorf("U15", n.lineOf("exec"), "exec '%s' cannot be executed: %v", clip(exec), err)
	}
}

// executable asks whether a file of the module's bin, or an absolute one, can
// be executed. A relative path must stay in bin.
func (d *decoder) executable(name string) error {
	if !path.IsAbs(name) && containsDotDot(name) || strings.ContainsRune(name, 0) {
		return errors.New("the path leaves bin")
	}
	if d.env.Executable == nil {
		return nil
	}
	return d.env.Executable(name)
}

func (c *checkReader) module(n *node) {
	m := ModuleCheck{Position: c.position, Name: c.need(n, "name")}
	c.enum(n, "when", string(WhenPre))
	targets := n.elems("to")
	for _, to := range targets {
		m.To = append(m.To, c.moduleTarget(to))
	}
	if len(targets) == 0 {
		m.To = []ModuleTarget{{Addr: "127.0.0.1", Port: 9010, Interval: 10 * time.Second, Timeout: 5 * time.Second}}
	}
	m.Ident = m.Name + "_" + m.To[0].Addr
	switch {
	case n.has("ident"):
		m.Ident = c.ident(n)
	case len(targets) > 1:
		c.errorf("U03", n.line, "missing attribute 'ident' in <module>: several <to> need it")
	case m.Name != "" && !validIdent(m.Ident):
		c.invalid(n, "name", " (expected a module name)")
	}
	c.claim(n, m.Ident)
	c.checks.Module = append(c.checks.Module, m)
}

func (c *checkReader) moduleTarget(to *node) ModuleTarget {
	t := ModuleTarget{Addr: "127.0.0.1", Port: c.port(to, "port", 9010), Interval: c.interval(to),
		Timeout: c.timeout(to), Secure: c.boolean(to, "secure", false)}
	if to.has("addr") {
		t.Addr = c.address(to, "addr")
	}
	c.finish(to)
	return t
}

func (c *checkReader) splitbrain(n *node) {
	s := &SplitBrainCheck{Position: c.position, Ident: c.ident(n)}
	c.enum(n, "when", string(WhenPre))
	c.enum(n, "exec", "ping")
	if s.Ident == "uptodate" {
		c.invalid(n, "ident", " (the word is reserved)")
	}
	for _, w := range strings.Fields(c.need(n, "arg")) {
		if !validAddress(w) {
			c.invalid(n, "arg", " (expected IP addresses or host names with blanks between)")
		}
		s.Witnesses = append(s.Witnesses, w)
	}
	if !c.allowed(n, ha.Mirror) {
		return
	}
	if c.checks.SplitBrain != nil {
		c.errorf("U10", n.line, "duplicate <splitbrain>: only one is allowed")
		return
	}
	c.checks.SplitBrain = s
}

// to gives the one <to> of a checker, nil after reporting.
func (c *checkReader) to(n *node) *node {
	found := c.some(n, "to")
	if len(found) == 0 {
		return nil
	}
	if len(found) > 1 {
		c.errorf("U10", found[1].line, "duplicate <to> in <%s>: exactly one is allowed", n.name)
	}
	return found[0]
}

func (c *checkReader) interval(to *node) time.Duration {
	return c.dur(to, "interval", time.Second, 10*time.Second, time.Second)
}

func (c *checkReader) timeout(to *node) time.Duration {
	return c.dur(to, "timeout", time.Second, 5*time.Second, time.Second)
}

func (c *checkReader) needPort(to *node) int {
	if c.need(to, "port") == "" {
		return 0
	}
	return c.port(to, "port", 0)
}

// generated reads the mark that WriteSafeconf leaves.
func (c *checkReader) generated(n *node) bool { return c.safeconf && n.has("generated") }

// when reads the required life time and checks it against the mode.
func (c *checkReader) when(n *node) When {
	w := c.needEnum(n, "when", string(WhenPre), string(WhenPrim), string(WhenSecond), string(WhenBoth))
	if !c.mirror() && (w == string(WhenPrim) || w == string(WhenSecond)) {
		c.errorf("U08", n.lineOf("when"), "when='%s' is not allowed in a %s module in <%s>", w, c.mode, n.name)
		return ""
	}
	return When(w)
}

// action reads the action and tells whether it is implied.
func (c *checkReader) action(n *node, when When, def Action) (action Action, implied bool) {
	a := Action(c.enumDefault(n, "action", string(def), string(ActionWait), string(ActionRestart),
		string(ActionStopStart), string(ActionStop), string(ActionNone)))
	implied = !n.has("action") || c.safeconf && n.has("implied")
	if when == "" || a == ActionNone || (a == ActionWait) == (when == WhenPre) {
		return a, implied
	}
	c.errorf("U11", n.lineOf("action"), "action '%s' is not allowed with when='%s' in <%s>", a, when, n.name)
	return a, implied
}

// ident reads the required identifier of a resource.
func (d *decoder) ident(n *node) string {
	v := strings.TrimSpace(d.need(n, "ident"))
	if v != "" && !validIdent(v) {
		d.invalid(n, "ident", ` (expected 1 to 63 characters without blanks and ( ) ! = & | ; , " ' * ? % < >)`)
		return ""
	}
	return v
}

// validIdent: 1 to 63 printable characters without blanks nor those the rule
// language needs (userconfig-xml.md section 13.1).
func validIdent(s string) bool {
	return s != "" && len([]rune(s)) <= 63 && !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r == 0x7F || strings.ContainsRune("()!=&|;,\"'*?%<>", r)
	})
}
