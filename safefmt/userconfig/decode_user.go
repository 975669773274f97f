package userconfig

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
)

var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func (d *decoder) user(n *node) *User {
	u := &User{
		NiceStop:    d.dur(n, "nicestoptimeout", time.Second, 300*time.Second, time.Second),
		ForceStop:   d.dur(n, "forcestoptimeout", time.Second, 300*time.Second, time.Second),
		Logging:     d.enum(n, "logging", LoggingUserlog, LoggingNone),
		UserLogSize: d.count(n, "userlogsize", 2048, 0),
	}
	index := map[string]int{}
	for _, sub := range n.elems("var") {
		v := Var{Name: d.varName(sub), Value: d.needEmpty(sub, "value")}
		if strings.ContainsRune(v.Value, 0) {
			d.invalid(sub, "value", "")
		}
		d.finish(sub)
		if v.Name == "" {
			continue
		}
		if i, again := index[v.Name]; again {
			d.warnf(sub.line, "variable '%s' is set again: the last value is used", v.Name)
			u.Vars[i].Value = v.Value
			continue
		}
		index[v.Name] = len(u.Vars)
		u.Vars = append(u.Vars, v)
	}
	d.finish(n)
	return u
}

func (d *decoder) varName(n *node) string {
	name := d.need(n, "name")
	switch {
	case name == "":
	case !envName.MatchString(name):
		d.invalid(n, "name", " (expected letters, digits and _)")
		return ""
	case strings.HasPrefix(name, "SAFE"):
		d.invalid(n, "name", " (names beginning with SAFE are reserved)")
		return ""
	}
	return name
}

func (d *decoder) vhost(n *node) *VHost {
	sub := d.only(n, "virtualhostname")
	if sub == nil {
		d.errorf("U03", n.line, "missing <virtualhostname> in <vhost>")
		d.finish(n)
		return nil
	}
	v := &VHost{
		Name:    d.address(sub, "name"),
		EnvFile: d.need(sub, "envfile"),
		When:    When(d.enum(sub, "when", string(WhenPrim), string(WhenSecond), string(WhenBoth))),
	}
	if v.EnvFile != "" && (path.IsAbs(v.EnvFile) || containsDotDot(v.EnvFile) || strings.ContainsRune(v.EnvFile, 0)) {
		d.invalid(sub, "envfile", " (expected a file below the module's bin)")
	}
	d.finish(sub)
	d.finish(n)
	return v
}

func (d *decoder) errd(n *node) *Errd {
	e := &Errd{PollTimer: d.dur(n, "polltimer", time.Second, 30*time.Second, time.Second)}
	seen := map[string]bool{}
	for _, sub := range d.some(n, "proc") {
		p := d.proc(sub)
		if p.Name != "" && seen[p.Name] && !d.safeconf {
			d.warnf(sub.lineOf("name"), "several <proc> are named '%s': they share the resource proc.%s", clip(p.Name), clip(p.Name))
		}
		seen[p.Name] = true
		e.Procs = append(e.Procs, p)
	}
	d.finish(n)
	return e
}

func (d *decoder) proc(n *node) Proc {
	p := Proc{
		Name:       d.need(n, "name"),
		Service:    d.yesNo(n, "service", false),
		NameRegex:  d.regex(n, "nameregex", ""),
		ArgRegex:   d.regex(n, "argregex", ""),
		AtLeast:    d.count(n, "atleast", 1, -1),
		AtMax:      d.count(n, "atmax", -1, -1),
		Action:     d.str(n, "action", string(ActionStopStart)),
		Class:      d.procClass(n),
		StartAfter: d.count(n, "start_after", 0, 0),
	}
	d.checkProcName(n, p)
	if p.Handler() {
		d.checkHandler(n, p)
	}
	if v := d.str(n, "restart_services", ""); v != "" {
		p.RestartServices = d.restartServices(n, v, p)
	}
	d.finish(n)
	return p
}

func (d *decoder) checkProcName(n *node, p Proc) {
	const comm, id = 15, 63
	switch {
	case strings.ContainsAny(p.Name, "\x00\n\r"):
		d.invalid(n, "name", "")
	case (p.Service || p.NameRegex != "") && len(p.Name) > id:
		d.invalid(n, "name", " (at most 63 characters)")
	case !p.Service && p.NameRegex == "" && len(p.Name) > comm && !d.safeconf:
		d.warnf(n.lineOf("name"), "process name '%s' is longer than 15 bytes: only these are compared", clip(p.Name))
	}
}

// standardClasses are switched on and off by the scripts of a role.
var standardClasses = []string{"prim", "both", "second", "sec", "pre"}

func (d *decoder) procClass(n *node) string {
	def := "both"
	if d.mirror() {
		def = "prim"
	}
	class := d.str(n, "class", def)
	if d.safeconf {
		return class
	}
	switch {
	case !n.has("class"):
		d.warnf(n.line, "missing attribute 'class' in <proc>: '%s' is used", def)
	case !d.mirror() && slices.Contains([]string{"prim", "second", "sec"}, class):
		d.warnf(n.lineOf("class"), "class '%s' in <proc> never becomes active in a %s module", class, d.mode)
	}
	return class
}

func (d *decoder) checkHandler(n *node, p Proc) {
	if d.env.Executable != nil {
		if err := d.executable(p.Action); err != nil {
			d.errorf("U15", n.lineOf("action"), "action '%s' in <proc> is neither restart, stopstart, stop, noaction nor an executable in bin%s",
				clip(p.Action), didYouMean(p.Action, []string{"restart", "stopstart", "stop", "noaction"}, "'%s'"))
			return
		}
	}
	if slices.Contains(standardClasses, p.Class) && !d.safeconf {
		d.warnf(n.lineOf("class"), "the handler '%s' in <proc> needs a class of its own: '%s' also serves other processes", clip(p.Action), p.Class)
	}
}

func (d *decoder) restartServices(n *node, list string, p Proc) []string {
	if !p.Service || p.Action != string(ActionRestart) {
		d.errorf("U12", n.lineOf("restart_services"), "restart_services requires service='yes' and action='restart' in <proc>")
		return nil
	}
	var services []string
	for s := range strings.SplitSeq(list, ",") {
		if s = strings.TrimSpace(s); s != "" {
			services = append(services, s)
		}
	}
	if len(services) == 0 {
		d.invalid(n, "restart_services", " (expected names with commas between)")
	}
	return services
}
