package userconfig

import (
	"fmt"
	"slices"

	"github.com/safehold/safehold/runtime/ha"
)

// Change is one difference between two configurations.
type Change struct {
	// Path is "service@boot", "check/tcp[web]/to@port", or "check/tcp[web]" for an
	// element that came, went or moved.
	Path string `json:"path"`
	// Section is the element below <service>, or "service" for its attributes.
	Section string `json:"section"`
	// Old and New are values of an attribute; "" where there is none.
	Old string `json:"old,omitempty"`
	New string `json:"new,omitempty"`
	// Frozen: not allowed while the module runs.
	Frozen bool `json:"frozen"`
}

// Diff compares two configurations after expansion and defaulting and tells of
// each difference whether it may be applied to a running module
// (userconfig-xml.md section 15).
func Diff(before, after *Config) []Change {
	var d differ
	d.element(tree(before), tree(after), "", "service", false)
	return d.changes
}

type differ struct{ changes []Change }

func (d *differ) element(before, after *element, path, section string, frozen bool) {
	names := attrNames(before, after)
	for _, name := range names {
		was, is := before.get(name), after.get(name)
		if was != is {
			at := path
			if at == "" {
				at = section
			}
			d.changes = append(d.changes, Change{Path: at + "@" + name, Section: section, Old: was, New: is,
				Frozen: frozen || !dynamicAttr(section, path, name)})
		}
	}
	if before.text != after.text {
		d.note(path, section, frozen)
	}
	d.children(before, after, path, section, frozen)
}

func (d *differ) children(before, after *element, path, section string, frozen bool) {
	was, is := keyed(before.children), keyed(after.children)
	kept := 0
	for _, old := range was {
		sub, in := step(path, section, old)
		frozen := frozen || old.e.frozen
		i := slices.IndexFunc(is, old.same)
		if i < 0 {
			d.note(sub, in, frozen)
			continue
		}
		if i < kept {
			d.note(sub, in, frozen)
		}
		kept = max(kept, i)
		d.element(old.e, is[i].e, sub, in, frozen || is[i].e.frozen)
	}
	for _, now := range is {
		if !slices.ContainsFunc(was, now.same) {
			sub, in := step(path, section, now)
			d.note(sub, in, frozen || now.e.frozen)
		}
	}
}

func (d *differ) note(path, section string, frozen bool) {
	d.changes = append(d.changes, Change{Path: path, Section: section, Frozen: frozen || !dynamicElement(section, path)})
}

// keyedElement is an element with its number among those of the same key.
type keyedElement struct {
	e   *element
	nth int
}

func (k keyedElement) same(o keyedElement) bool {
	return k.e.name == o.e.name && k.e.key == o.e.key && k.nth == o.nth
}

func keyed(children []*element) []keyedElement {
	count := map[[2]string]int{}
	var all []keyedElement
	for _, c := range children {
		id := [2]string{c.name, c.key}
		count[id]++
		all = append(all, keyedElement{c, count[id]})
	}
	return all
}

// step gives the path of a child and the section it belongs to.
func step(path, section string, k keyedElement) (string, string) {
	name := k.e.name
	switch {
	case name == "":
		name = k.e.key
	case k.nth > 1:
		name += fmt.Sprintf("[%s #%d]", k.e.key, k.nth)
	case k.e.key != "":
		name += "[" + k.e.key + "]"
	}
	if path == "" {
		return name, name
	}
	return path + "/" + name, section
}

func attrNames(before, after *element) []string {
	var names []string
	for _, a := range before.attrs {
		names = append(names, a[0])
	}
	for _, a := range after.attrs {
		if !slices.Contains(names, a[0]) {
			names = append(names, a[0])
		}
	}
	return names
}

// dynamicSections may change as a whole while the module runs; in the others
// only dynamicAttrs may, and <flow>.
var (
	dynamicSections = []string{"heart", "user", "errd", "check"}
	dynamicAttrs    = map[string][]string{
		"service": {"boot", "boot_delay", "maxloop", "loop_interval", "automatic_reboot"},
		"rfs":     {"async", "nbrei", "reitimeout", "reidetail"},
	}
)

func dynamicAttr(section, path, name string) bool {
	if path == "" || path == section {
		return slices.Contains(dynamicSections, section) || slices.Contains(dynamicAttrs[section], name)
	}
	return dynamicElement(section, path)
}

func dynamicElement(section, path string) bool {
	if slices.Contains(dynamicSections, section) {
		return true
	}
	const flow = "rfs/flow"
	return path == flow || len(path) > len(flow) && path[:len(flow)+1] == flow+"/"
}

// CheckDynamic tells whether changes may be applied to a module in a role; its
// error is of type Errors with one entry for each obstacle. file is the name
// used in messages.
func CheckDynamic(file string, mode ha.Mode, role ha.Role, changes []Change) error {
	stopped := ha.Role{State: ha.Stop, Status: ha.NotReady}
	waiting := ha.Role{State: ha.Wait, Status: ha.NotReady}
	serving, word := ha.Role{State: ha.Alone, Status: ha.Ready}, "ALONE"
	if mode != ha.Mirror {
		serving, word = ha.Role{State: ha.Up, Status: ha.Ready}, "UP"
	}
	if role == stopped {
		return nil
	}
	if role != waiting && role != serving {
		return Errors{{File: file, Code: "U18", Text: "module must be STOP, " + word + " (Ready) or WAIT (NotReady)"}}
	}
	var errs Errors
	for _, c := range changes {
		if c.Frozen {
			errs = append(errs, Error{File: file, Code: "U18",
				Text: fmt.Sprintf("cannot change <%s> while the module is running: %s", c.Section, c.Path)})
		}
	}
	if errs == nil {
		return nil
	}
	return errs
}
