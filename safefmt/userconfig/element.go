package userconfig

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// element is what a Config is turned into for writing and for comparing.
type element struct {
	name string
	// key tells elements of one name apart: "" when there is only one.
	key      string
	attrs    [][2]string
	children []*element
	text     string
	// frozen: generated from <vip>, which cannot change while the module runs.
	frozen bool
}

func elem(name, key string) *element { return &element{name: name, key: key} }

func (e *element) set(name, value string) *element {
	e.attrs = append(e.attrs, [2]string{name, value})
	return e
}

// opt sets an attribute that is left out when empty.
func (e *element) opt(name, value string) *element {
	if value == "" {
		return e
	}
	return e.set(name, value)
}

func (e *element) num(name string, v int64) *element { return e.set(name, strconv.FormatInt(v, 10)) }

// positive sets a number that is left out when 0.
func (e *element) positive(name string, v int64) *element {
	if v == 0 {
		return e
	}
	return e.num(name, v)
}

func (e *element) onOff(name string, v bool) *element { return e.set(name, onOff(v)) }

func (e *element) dur(name string, unit, v time.Duration) *element {
	return e.set(name, formatTime(v, unit))
}

func (e *element) add(children ...*element) *element {
	e.children = append(e.children, slices.DeleteFunc(children, func(c *element) bool { return c == nil })...)
	return e
}

// get gives an attribute, or "".
func (e *element) get(name string) string {
	for _, a := range e.attrs {
		if a[0] == name {
			return a[1]
		}
	}
	return ""
}

// tree gives <service> of a Config. Every attribute is written out, except
// those whose absence has a meaning of its own.
func tree(c *Config) *element {
	s := c.Service
	return elem("service", "").set("mode", s.Mode.String()).
		set("boot", string(s.Boot)).dur("boot_delay", time.Second, s.BootDelay).
		onOff("failover", s.Failover).set("defaultprim", s.DefaultPrim).
		num("maxloop", int64(s.MaxLoop)).dur("loop_interval", time.Hour, s.LoopInterval).
		onOff("automatic_reboot", s.AutomaticReboot).
		add(heartTree(c.Heart), farmTree(c.Farm), vipTree(c.VIP), rfsTree(c.RFS), userTree(c.User),
			vhostTree(c.VHost), errdTree(c.Errd), checkTree(c.Checks), failoverTree(c.Failover))
}

func heartTree(h *Heart) *element {
	if h == nil {
		return nil
	}
	e := elem("heart", "").positive("port", int64(h.Port)).
		dur("pulse", time.Millisecond, h.Pulse).dur("timeout", time.Millisecond, h.Timeout)
	if h.PermanentARPSet {
		e.onOff("permanent_arp", h.PermanentARP)
	}
	for _, b := range h.Heartbeats {
		e.add(elem("heartbeat", b.Ident).opt("name", b.Lan).set("ident", b.Ident).
			dur("pulse", time.Millisecond, b.Pulse).dur("timeout", time.Millisecond, b.Timeout).
			add(serverTrees(b.Servers)...))
	}
	return e
}

func serverTrees(addrs []string) []*element {
	var all []*element
	for _, a := range addrs {
		all = append(all, elem("server", a).set("addr", a))
	}
	return all
}

func farmTree(f *Farm) *element {
	if f == nil {
		return nil
	}
	e := elem("farm", "").positive("port", int64(f.Port)).dur("pulse", time.Millisecond, f.Pulse).
		num("mlost_count", int64(f.MLostCount)).num("slost_count", int64(f.SLostCount))
	for _, l := range f.Lans {
		lan := elem("lan", l.Lan).opt("name", l.Lan)
		for _, n := range l.Nodes {
			lan.add(elem("node", n.Name).set("name", n.Name).set("addr", n.Addr))
		}
		e.add(lan)
	}
	return e
}

func rfsTree(r *RFS) *element {
	if r == nil {
		return nil
	}
	e := elem("rfs", "").onOff("mountover", r.MountOver).set("mountoversuffix", r.MountOverSuffix)
	if r.ACLSet {
		e.onOff("acl", r.ACL)
	}
	e.set("async", string(r.Async)).positive("packetsize", r.PacketSize).
		num("reipacketsize", r.ReiPacketSize).num("ruzone_blocksize", r.RuzoneBlockSize).
		dur("locktimeout", time.Second, r.LockTimeout).dur("sendtimeout", time.Second, r.SendTimeout).
		num("nbrei", int64(r.NbRei)).num("namespacepolicy", int64(r.NamespacePolicy)).
		dur("reitimeout", time.Second, r.ReiTimeout).num("reicommit", int64(r.ReiCommit)).
		onOff("reidetail", r.ReiDetail).positive("reiallowedbw", r.ReiAllowedBW).
		num("nbremconn", int64(r.NbRemConn)).dur("checktime", time.Millisecond, r.CheckTime).
		dur("checkintv", time.Second, r.CheckIntv).onOff("scripts", r.Scripts).
		dur("syncdelta", time.Minute, r.SyncDelta).opt("syncat", r.SyncAt)
	if r.Flow != nil {
		e.add(elem("flow", "").opt("name", r.Flow.Lan).add(serverTrees(r.Flow.Servers)...))
	}
	for _, dir := range r.Replicated {
		e.add(replicatedTree(dir))
	}
	return e
}

func replicatedTree(r Replicated) *element {
	e := elem("replicated", r.Dir).set("dir", r.Dir)
	if r.ReadOnly {
		e.set("mode", "read_only")
	}
	for _, x := range r.NotReplicated {
		e.add(elem("notreplicated", cmp.Or(x.Path, x.Regex)).opt("path", x.Path).opt("regexpath", x.Regex))
	}
	for _, p := range r.ToCheck {
		e.add(elem("tocheck", p).set("path", p))
	}
	return e
}

func userTree(u *User) *element {
	if u == nil {
		return nil
	}
	e := elem("user", "").dur("nicestoptimeout", time.Second, u.NiceStop).
		dur("forcestoptimeout", time.Second, u.ForceStop).
		set("logging", u.Logging).num("userlogsize", int64(u.UserLogSize))
	for _, v := range u.Vars {
		e.add(elem("var", v.Name).set("name", v.Name).set("value", v.Value))
	}
	return e
}

func vhostTree(v *VHost) *element {
	if v == nil {
		return nil
	}
	return elem("vhost", "").add(elem("virtualhostname", "").
		set("name", v.Name).set("envfile", v.EnvFile).set("when", string(v.When)))
}

func errdTree(d *Errd) *element {
	if d == nil {
		return nil
	}
	e := elem("errd", "").dur("polltimer", time.Second, d.PollTimer)
	for _, p := range d.Procs {
		e.add(elem("proc", p.Name).set("name", p.Name).set("service", yesNo(p.Service)).
			opt("nameregex", p.NameRegex).opt("argregex", p.ArgRegex).
			num("atleast", int64(p.AtLeast)).num("atmax", int64(p.AtMax)).
			set("action", p.Action).opt("restart_services", strings.Join(p.RestartServices, ",")).
			set("class", p.Class).num("start_after", int64(p.StartAfter)))
	}
	return e
}

func failoverTree(f Failover) *element {
	e := elem("failover", "").set("extends", yesNo(f.Extends)).
		dur("period", time.Millisecond, f.Period).dur("handle_time", time.Millisecond, f.HandleTime)
	for i, s := range f.Sections {
		e.add(&element{key: fmt.Sprintf("section %d", i+1), text: s.Text})
	}
	return e
}
