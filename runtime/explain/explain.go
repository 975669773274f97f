// Package explain says in plain sentences why a module is in its state and
// what to do next: `safekit explain`. It is pure: two views in, text out.
package explain

import (
	"fmt"
	"strings"
	"time"

	"github.com/safehold/safehold/runtime/control"
	"github.com/safehold/safehold/runtime/ha"
)

// Pair is what is known of a module: this node's own view, and the other
// node's own view when it answered.
type Pair struct {
	Local control.View
	Peer  *control.View // nil: not reached
	Now   time.Time
}

// Explain gives the whole answer: one sentence on the service, a paragraph per
// node, and what to do next.
func Explain(p Pair) string {
	var b strings.Builder
	fmt.Fprintln(&b, headline(p))
	fmt.Fprintln(&b)
	node(&b, p.Local, p.Now)
	switch {
	case p.Local.Mode != ha.Mirror:
	case p.Peer != nil:
		node(&b, *p.Peer, p.Now)
	default:
		fmt.Fprintf(&b, "%s: did not answer this command. %s sees it as %v", p.Local.Peer, p.Local.Node, p.Local.Remote)
		if !p.Local.RemoteSeen.IsZero() {
			fmt.Fprintf(&b, ", last heard %s ago", ago(p.Now.Sub(p.Local.RemoteSeen)))
		}
		fmt.Fprintln(&b, ".")
	}
	if steps := next(p); len(steps) > 0 {
		fmt.Fprintln(&b, "\nNext:")
		for _, s := range steps {
			fmt.Fprintf(&b, "  - %s\n", s)
		}
	}
	return b.String()
}

// headline answers "is the service running, and is it protected?".
func headline(p Pair) string {
	m := p.Local.Module
	if p.Local.Mode != ha.Mirror {
		if p.Local.Local.Serving() {
			return fmt.Sprintf("Module %s serves on %s.", m, p.Local.Node)
		}
		return fmt.Sprintf("Module %s does not serve on %s.", m, p.Local.Node)
	}
	primaries := servers(p)
	switch {
	case len(primaries) == 2:
		return fmt.Sprintf("Module %s runs on BOTH nodes: they do not hear each other. When the network is back one of them gives way.", m)
	case len(primaries) == 0:
		return fmt.Sprintf("Module %s is not served by any node.", m)
	case protected(p):
		return fmt.Sprintf("Module %s serves on %s and is protected: the other node has the same data and can take over.", m, primaries[0])
	default:
		return fmt.Sprintf("Module %s serves on %s and is NOT protected: no other node can take over now.", m, primaries[0])
	}
}

// servers are the nodes that run the application, as far as is known.
func servers(p Pair) []ha.NodeName {
	var out []ha.NodeName
	if p.Local.Local.State.Primary() {
		out = append(out, p.Local.Node)
	}
	if p.Peer != nil && p.Peer.Local.State.Primary() || p.Peer == nil && p.Local.Remote.State.Primary() {
		out = append(out, p.Local.Peer)
	}
	return out
}

func protected(p Pair) bool {
	prim, second := p.Local.Local, p.Local.Remote
	if p.Peer != nil {
		second = p.Peer.Local
	}
	if second.State.Primary() {
		prim, second = second, prim
	}
	return prim.State == ha.Prim && second == ha.Role{State: ha.Second, Status: ha.Ready}
}

// node is the paragraph on one node, in its own words.
func node(b *strings.Builder, v control.View, now time.Time) {
	fmt.Fprintf(b, "%s: %v for %s. %s\n", v.Node, v.Local, ago(now.Sub(v.LocalSince)), meaning(v))
	if v.Script != "" {
		fmt.Fprintf(b, "  The script %s has been running for %s.\n", v.Script, ago(now.Sub(v.ScriptFrom)))
	}
	if v.Local.State == ha.Wait && v.Waiting != "" {
		fmt.Fprintf(b, "  It is %s.\n", v.Waiting)
	}
	if v.Syncing && v.Sync != nil {
		fmt.Fprintf(b, "  Synchronisation: %s.\n", Progress(*v.Sync))
	}
	if v.Data != nil {
		fmt.Fprintf(b, "  Its data: %s.\n", data(v))
	}
	for _, r := range v.LocalResources {
		switch class, _, _ := strings.Cut(r.Name, "."); class {
		case "heartbeat", "tcp", "ping", "custom", "proc", "intf", "ip", "module", "splitbrain":
			if r.Value == ha.ValueDown {
				fmt.Fprintf(b, "  %s is down since %s.\n", r.Name, r.Changed.Format(time.DateTime))
			}
		}
	}
}

func meaning(v control.View) string {
	switch r := v.Local; {
	case r.State == ha.Stop:
		return "Nothing of the module runs here."
	case r == ha.Role{State: ha.Wait, Status: ha.NotReady}:
		return "It is started, but something keeps it from serving."
	case r.State == ha.Wait:
		return "It is starting or stopping."
	case r == ha.Role{State: ha.Alone, Status: ha.Ready}:
		return "It runs the application without a second copy."
	case r == ha.Role{State: ha.Prim, Status: ha.Ready}:
		return "It runs the application; each write goes to the other node too."
	case r == ha.Role{State: ha.Second, Status: ha.Ready}:
		return "It has the same data and takes over when the other node fails."
	case r.State == ha.Second:
		return "It is getting the data from the other node."
	case r == ha.Role{State: ha.Up, Status: ha.Ready}:
		return "It runs the application."
	default:
		return "A change is in progress."
	}
}

func data(v control.View) string {
	d := v.Data
	switch {
	case d.History.Current.IsZero():
		return "never synchronised"
	case !d.Consistent:
		return "inconsistent, a synchronisation was interrupted"
	case up(v, "rfs.uptodate"):
		return "up to date, generation " + d.History.Current.Short()
	default:
		return "possibly behind the other node, generation " + d.History.Current.Short()
	}
}

func up(v control.View, resource string) bool {
	for _, r := range v.LocalResources {
		if r.Name == resource {
			return r.Value == ha.ValueUp
		}
	}
	return false
}

// ago tells a duration as a person would.
func ago(d time.Duration) string {
	switch {
	case d < 0:
		return "0 s"
	case d < 2*time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < 2*time.Hour:
		return fmt.Sprintf("%.0f min", d.Minutes())
	case d < 48*time.Hour:
		return fmt.Sprintf("%.0f h", d.Hours())
	default:
		return fmt.Sprintf("%.0f days", d.Hours()/24)
	}
}
