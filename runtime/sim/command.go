package sim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/safehold/safehold/runtime/automaton"
	"github.com/safehold/safehold/runtime/ha"
)

// Do carries out one line of a scenario; an unknown word is an error.
//
//	run 30s                      let time pass
//	start|stop|prim|… n1 [-i id] a command
//	verdict n1 restart t_web     a rule's action
//	hold n1 rule, release n1     a wait rule that holds in WAIT
//	cut L from, heal             links 0 and 1, direction n1 or n2, or all
//	crash|power|boot|freeze|thaw|killrfs|replay n1
//	tear n1 5                    power cut before the fifth effect from now
//	slow n1 3s, failing n1 start_prim, failover n1 off
//	expect n1 PRIM Ready [uptodate=up] [active=prim,both] [vip=on] …
//	log n1 text, nolog n1 text, scripts n1 a b c, clear
func (w *World) Do(line string) error {
	f := strings.Fields(line)
	if len(f) == 0 || strings.HasPrefix(f[0], "#") {
		return nil
	}
	switch f[0] {
	case "run":
		d, err := time.ParseDuration(f[1])
		if err != nil {
			return err
		}
		return w.Run(d)
	case "cut", "heal":
		return w.doCut(f)
	case "clear":
		for _, n := range w.nodes {
			n.log, n.scripts = nil, nil
		}
		return nil
	}
	if len(f) < 2 || f[1] != "n1" && f[1] != "n2" {
		return fmt.Errorf("line %q: want a node, n1 or n2", line)
	}
	n := w.nodes[f[1][1]-'1']
	if v, err := ha.ParseVerb(f[0]); err == nil {
		return n.doVerb(v, f[2:])
	}
	return n.do(f[0], f[2:], line)
}

func (w *World) doCut(f []string) error {
	cut := f[0] == "cut"
	if len(f) == 1 || f[1] == "all" {
		for l := range w.links() {
			w.SetCut(l, 0, cut)
			w.SetCut(l, 1, cut)
		}
		return nil
	}
	l, err := strconv.Atoi(f[1])
	if err != nil || l < 0 || l >= links {
		return fmt.Errorf("link %q: want 0 or 1", f[1])
	}
	for from := range w.nodes {
		if len(f) < 3 || f[2] == w.nodes[from].name {
			w.SetCut(l, from, cut)
		}
	}
	return nil
}

func (n *Node) doVerb(v ha.Verb, f []string) error {
	c := automaton.Command{Verb: v, Who: "root"}
	for i := 0; i < len(f); i++ {
		switch f[i] {
		case "-i":
			c.Identity = f[i+1]
			i++
		case "fullsync":
			c.FullSync = true
		case "nosync":
			c.NoSync = true
		case "boot":
			c.Boot = true
		}
	}
	if (v == ha.VerbPrim || v == ha.VerbPrimForce) && n.state() == ha.Stop {
		n.w.ghost.wants[n.id] = true
	}
	n.commandWith(c)
	return nil
}

func (n *Node) do(word string, f []string, line string) error {
	switch word {
	case "crash":
		if n.up() {
			n.crash()
		}
	case "power":
		if n.power {
			n.powerOff()
		}
	case "boot":
		if !n.up() {
			n.boot()
		}
	case "freeze":
		if n.up() {
			n.freeze()
		}
	case "thaw":
		n.w.ghost.thawed[n.id] = n.w.now
		n.thaw()
	case "killrfs":
		n.killReplica()
	case "replay":
		n.replay()
	case "release":
		n.hold = ""
	default:
		return n.doWith(word, f, line)
	}
	return nil
}

func (n *Node) doWith(word string, f []string, line string) error {
	if len(f) == 0 {
		return fmt.Errorf("line %q: too short", line)
	}
	rest := strings.SplitN(line, " ", 3)[2]
	switch word {
	case "hold":
		n.hold = f[0]
	case "tear":
		k, err := strconv.Atoi(f[0])
		n.tear = k
		return err
	case "slow":
		d, err := time.ParseDuration(f[0])
		n.slow = d
		return err
	case "failing":
		n.failing = f[0]
	case "failover":
		v := f[0]
		n.later(0, func() { n.step(automaton.Setting{Name: "failover", Value: v}) })
	case "verdict":
		v, err := ha.ParseVerb(f[0])
		at := time.Unix(0, 0).Add(n.w.now)
		n.later(0, func() { n.step(automaton.Verdict{Verb: v, Rule: f[1], Counted: true, At: at}) })
		return err
	case "expect":
		return n.expect(f)
	case "log":
		if !slices.ContainsFunc(n.log, func(s string) bool { return strings.Contains(s, rest) }) {
			return fmt.Errorf("%s did not log %q; its log:\n  %s", n.name, rest, strings.Join(n.log, "\n  "))
		}
	case "nolog":
		if slices.ContainsFunc(n.log, func(s string) bool { return strings.Contains(s, rest) }) {
			return fmt.Errorf("%s logged %q", n.name, rest)
		}
	case "scripts":
		if got := n.called(); got != rest && !(rest == "none" && got == "") {
			return fmt.Errorf("%s ran %q, want %q", n.name, got, rest)
		}
	default:
		return fmt.Errorf("line %q: unknown word", line)
	}
	return nil
}

// called lists the scripts that ran, without transition.
func (n *Node) called() string {
	var out []string
	for _, s := range n.scripts {
		if s != "transition" {
			out = append(out, s)
		}
	}
	return strings.Join(out, " ")
}

func (n *Node) expect(f []string) error {
	role := "OFF"
	if n.up() {
		role = n.m.Role().String()
	}
	want := f[0]
	rest := f[1:]
	if len(rest) > 0 && !strings.Contains(rest[0], "=") {
		want += " " + rest[0]
		rest = rest[1:]
	}
	if role != want {
		return fmt.Errorf("%s is %s, want %s; its log:\n  %s", n.name, role, want, strings.Join(n.log, "\n  "))
	}
	for _, p := range rest {
		k, v, _ := strings.Cut(p, "=")
		if got := n.value(k); got != v {
			return fmt.Errorf("%s has %s=%s, want %s", n.name, k, got, v)
		}
	}
	return nil
}

func (n *Node) value(key string) string {
	onOff := func(b bool, yes, no string) string {
		if b {
			return yes
		}
		return no
	}
	switch key {
	case "uptodate":
		return onOff(n.stored.UpToDate || n.state() == ha.Second && n.published.DataReady, "up", "down")
	case "consistent":
		return onOff(n.rep.consistent, "yes", "no")
	case "vip":
		return onOff(n.vip, "on", "off")
	case "active":
		return strings.Join(keys(n.active), ",")
	case "loop":
		return strconv.Itoa(n.stored.Loop.N)
	case "records":
		return strconv.Itoa(len(n.rep.content))
	default:
		return "?"
	}
}
