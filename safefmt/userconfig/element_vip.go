package userconfig

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

func vipTree(v *VIP) *element {
	if v == nil {
		return nil
	}
	list := elem("interface_list", "")
	for i, one := range v.Interfaces {
		list.add(interfaceTree(one, strconv.Itoa(i+1)))
	}
	e := elem("vip", "").onOff("tcpreset", v.TCPReset).onOff("scriptcontrol", v.ScriptControl).add(list)
	if len(v.Groups) > 0 {
		groups := elem("loadbalancing_list", "")
		for _, g := range v.Groups {
			groups.add(groupTree(g))
		}
		e.add(groups)
	}
	return e
}

func interfaceTree(i Interface, key string) *element {
	e := elem("interface", key).onOff("check", i.Check).onOff("arpreroute", i.ARPReroute).
		dur("arpinterval", time.Second, i.ARPInterval).dur("arpelapse", time.Second, i.ARPElapse).opt("name", i.Name)
	var parent *element
	switch {
	case i.Real != nil:
		parent = elem("real_interface", "")
	case i.Virtual != nil:
		parent = elem("virtual_interface", "").set("type", i.Virtual.Type).opt("addr", i.Virtual.Addr)
	default:
		return e
	}
	for _, a := range i.Addrs() {
		parent.add(elem("virtual_addr", a.Addr).set("addr", a.Addr).set("where", string(a.Where)).
			onOff("check", a.Check).onOff("connections", a.Connections).opt("netmask", a.Netmask))
	}
	return e.add(parent)
}

func groupTree(g Group) *element {
	e := elem("group", g.Name).set("name", g.Name)
	if g.Hosts != nil {
		cluster := elem("cluster", "")
		for _, h := range g.Hosts {
			cluster.add(elem("host", h.Name).set("name", h.Name).num("power", int64(h.Power)))
		}
		e.add(cluster)
	}
	for i, r := range g.Rules {
		port := "*"
		if r.Port != 0 {
			port = strconv.Itoa(r.Port)
		}
		e.add(elem("rule", strconv.Itoa(i+1)).set("virtual_addr", r.VirtualAddr).set("port", port).
			set("proto", r.Proto).set("filter", r.Filter))
	}
	return e
}

// checkTree gives all checkers in document order.
func checkTree(c Checks) *element {
	type placed struct {
		position int
		e        *element
	}
	var all []placed
	add := func(position int, e *element) { all = append(all, placed{position, e}) }
	for _, t := range c.TCP {
		e := checkerTree("tcp", t.Ident).set("when", string(t.When)).set("action", string(t.Action))
		add(t.Position, implied(e, t.Implied).add(timesTree(elem("to", "").set("addr", t.Addr).num("port", int64(t.Port)), t.Interval, t.Timeout)))
	}
	for _, p := range c.Ping {
		e := checkerTree("ping", p.Ident).set("when", string(p.When)).set("action", string(p.Action))
		add(p.Position, implied(e, p.Implied).add(timesTree(elem("to", "").set("addr", p.Addr), p.Interval, p.Timeout)))
	}
	for _, i := range c.Intf {
		e := checkerTree("intf", i.Ident).set("when", string(WhenPre)).add(elem("to", "").set("local_addr", i.LocalAddr))
		add(i.Position, generated(e, i.Generated))
	}
	for _, i := range c.IP {
		e := checkerTree("ip", i.Ident).set("when", string(i.When)).
			add(elem("to", "").set("addr", i.Addr).dur("interval", time.Second, i.Interval))
		add(i.Position, generated(e, i.Generated))
	}
	for _, k := range c.Custom {
		add(k.Position, customTree(k))
	}
	for _, m := range c.Module {
		add(m.Position, moduleTree(m))
	}
	if s := c.SplitBrain; s != nil {
		add(s.Position, checkerTree("splitbrain", s.Ident).set("when", string(WhenPre)).set("exec", "ping").
			set("arg", strings.Join(s.Witnesses, " ")))
	}
	if len(all) == 0 {
		return nil
	}
	slices.SortStableFunc(all, func(a, b placed) int { return a.position - b.position })
	check := elem("check", "")
	for _, p := range all {
		check.add(p.e)
	}
	return check
}

func checkerTree(class, ident string) *element { return elem(class, ident).set("ident", ident) }

func customTree(k CustomCheck) *element {
	e := checkerTree("custom", k.Ident).set("when", string(k.When)).set("exec", k.Exec).
		set("arg", k.Arg).set("action", string(k.Action)).set("kind", k.Kind())
	if k.Plugin {
		timesTree(e, k.Interval, k.Timeout)
	}
	return e
}

func moduleTree(m ModuleCheck) *element {
	e := elem("module", m.Ident).set("name", m.Name).set("ident", m.Ident).set("when", string(WhenPre))
	for i, t := range m.To {
		to := elem("to", strconv.Itoa(i+1)).set("addr", t.Addr).num("port", int64(t.Port))
		e.add(timesTree(to, t.Interval, t.Timeout).onOff("secure", t.Secure))
	}
	return e
}

func timesTree(to *element, interval, timeout time.Duration) *element {
	return to.dur("interval", time.Second, interval).dur("timeout", time.Second, timeout)
}

// implied marks an action that the file did not give.
func implied(e *element, yes bool) *element {
	if yes {
		e.set("implied", "action")
	}
	return e
}

// generated marks a checker that <vip> asked for.
func generated(e *element, yes bool) *element {
	if yes {
		e.set("generated", "vip")
		e.frozen = true
	}
	return e
}
