package kvm

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// noUserVars is the environment of configuration scripts: scripts.md section
// 1.2.
func (n *node) noUserVars() {
	var kept []string
	for _, v := range n.vars {
		switch name, _, _ := strings.Cut(v, "="); name {
		case "VM_NAME", "VM_PATH", "SNAPSHOT_DIR":
		default:
			kept = append(kept, v)
		}
	}
	n.vars = kept
}

func TestPostconfigExports(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	n.noUserVars()
	n.set("autostart", "enable")
	n.set("defined", fmt.Sprintf("<domain>\n<name>%s</name>\n<nvram template='x'>/var/lib/nvram/a.fd</nvram>\n"+
		"<source file='%s/disk.qcow2' index='1'/>\n<source file='/iso/cd.iso'/>\n</domain>\n", n.name, n.dir))
	out := n.mustRun("postconfig")
	wants(t, out, "its autostart is off", "its definition was written to "+n.dir+"/domain.xml",
		"Warning: /var/lib/nvram/a.fd is not in", "Warning: /iso/cd.iso is not in")
	if strings.Contains(out, "disk.qcow2") {
		t.Error("warned of a replicated disk")
	}
	if n.read(filepath.Join(n.lib, "autostart")) != "disable\n" {
		t.Error("autostart is on")
	}
	st, err := os.Stat(filepath.Join(n.dir, "domain.xml"))
	if err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("domain.xml: %v, %v", st, err)
	}
	wants(t, n.mustRun("postconfig"), "is up to date")
	if left, err := filepath.Glob(filepath.Join(n.dir, ".*")); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestPostconfigFailures(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		spoil func(n *node)
		want  string
		code  int
	}{
		{"no virsh", func(n *node) { n.vars = append(n.vars, "PATH=/nowhere") }, "virsh not found", 1},
		{"no name", func(n *node) { n.vars = append(n.vars, "VM_UNDER_TEST=") }, "must be set in userconfig.xml", 1},
		{"silent", func(n *node) { n.set("silent", "") }, "libvirt does not answer", 1},
		{"no directory", func(n *node) { n.vars = append(n.vars, "VM_DIR=/nowhere/at/all") }, "directory /nowhere/at/all is missing", 1},
		{"second node", func(*node) {}, "its definition comes with the replication", 0},
		{"second node later", func(n *node) { n.write(filepath.Join(n.dir, "domain.xml"), "x") }, "it will be, from", 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			n := newNode(t)
			n.noUserVars()
			tc.spoil(n)
			cmd := n.command("postconfig")
			if tc.name == "no virsh" {
				cmd = n.command("../../../bin/bash", "bin/postconfig")
				cmd.Path = "/bin/bash"
			}
			out, err := cmd.CombinedOutput()
			if (err != nil) != (tc.code != 0) {
				t.Errorf("%v", err)
			}
			wants(t, string(out), tc.want)
		})
	}
}

// TestDefinitionTravels follows a definition over both nodes, with the
// directory copied as replication does.
func TestDefinitionTravels(t *testing.T) {
	t.Parallel()
	a, b := newNode(t), newNode(t)
	b.name = a.name
	b.vars = append(b.vars, "VM_NAME="+a.name, "VM_UNDER_TEST="+a.name)
	if err := os.Rename(b.dir, filepath.Join(b.vms, a.name)); err != nil {
		t.Fatal(err)
	}
	b.dir = filepath.Join(b.vms, a.name)
	replicate := func(from, to *node) {
		t.Helper()
		if err := os.RemoveAll(to.dir); err != nil {
			t.Fatal(err)
		}
		if err := os.CopyFS(to.dir, os.DirFS(from.dir)); err != nil {
			t.Fatal(err)
		}
	}
	defined := func(n *node) string { return n.read(filepath.Join(n.lib, "defined")) }
	takeOver := func(from, to *node) {
		t.Helper()
		from.mustRun("stop_prim", "PRIM", "STOP", "stop")
		replicate(from, to)
		to.mustRun("start_prim", "SECOND", "ALONE", "start")
	}

	a.define("1")
	a.mustRun("postconfig")
	a.mustRun("start_prim")
	takeOver(a, b) // b never knew the machine
	if defined(b) != definition(a.name, "1") {
		t.Errorf("b defined %q", defined(b))
	}

	b.define("2, edited on b while it ran")
	takeOver(b, a)
	if defined(a) != definition(a.name, "2, edited on b while it ran") {
		t.Errorf("a defined %q", defined(a))
	}

	a.mustRun("stop_prim")
	a.define("3, edited on a while stopped")
	a.mustRun("start_prim")
	takeOver(a, b)
	wants(t, defined(b), "3, edited on a")

	// a configuration on the node with the older definition must not win.
	b.define("4, edited on b")
	b.mustRun("stop_prim")
	replicate(b, a)
	wants(t, a.mustRun("postconfig"), "will be replaced by that of")
	a.mustRun("start_prim")
	wants(t, defined(a), "4, edited on b")
	wants(t, a.read(filepath.Join(filepath.Dir(a.lib), "var", a.name+".replaced.xml")), "3, edited on a")
}

// TestOtherIdentity: the machine was made by hand on both nodes.
func TestOtherIdentity(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	n.define("local")
	n.set("taken", "")
	n.write(filepath.Join(n.dir, "domain.xml"), definition(n.name, "shared"))
	n.mustRun("start_prim")
	wants(t, n.read(filepath.Join(n.lib, "defined")), "shared")
	wants(t, n.read(filepath.Join(n.lib, "log")), "undefine "+n.name+" --keep-nvram")
}

// TestOldConfiguration: VM_PATH is already the machine's directory.
func TestOldConfiguration(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	n.vars = append(n.vars, "VM_PATH="+n.dir)
	n.define("a")
	n.mustRun("start_prim")
	wants(t, n.read(filepath.Join(n.dir, "domain.xml")), "<name>"+n.name)
	n.mustRun("stop_prim")
}

func TestSnapshotsTravel(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	n.define("a")
	snapshot := func(name string) {
		if err := os.MkdirAll(filepath.Join(n.lib, "snapshots"), 0o755); err != nil {
			t.Fatal(err)
		}
		n.set("snapshots/"+name, "<domainsnapshot>\n  <name>"+name+"</name>\n</domainsnapshot>\n")
	}
	snapshot("before")
	snapshot("later")
	n.set("current", "later\n")
	dir := filepath.Join(n.dir, "snapshots")
	list := func(where string) string {
		t.Helper()
		entries, err := os.ReadDir(where)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return strings.Join(names, " ")
	}
	n.mustRun("start_prim")
	n.mustRun("stop_prim")
	if got := list(dir); got != "0001.xml 0002.xml current" {
		t.Fatalf("described: %s", got)
	}

	// The other node knows another snapshot, deleted here long ago.
	if err := os.RemoveAll(filepath.Join(n.lib, "snapshots")); err != nil {
		t.Fatal(err)
	}
	snapshot("stale")
	n.set("nosnapshot", "")
	n.mustRun("start_prim")
	n.mustRun("stop_prim")
	wants(t, n.log(), "printe snapshot before")
	if got := list(dir); got != "0001.xml 0002.xml current" {
		t.Fatalf("descriptions lost after a failed import: %s", got)
	}
	if err := os.Remove(filepath.Join(n.lib, "nosnapshot")); err != nil {
		t.Fatal(err)
	}
	n.mustRun("start_prim")
	if got := list(filepath.Join(n.lib, "snapshots")); got != "before later" {
		t.Errorf("libvirt knows: %s", got)
	}
	if err := os.Remove(filepath.Join(n.lib, "snapshots/later")); err != nil {
		t.Fatal(err)
	}
	n.mustRun("stop_prim")
	if got := list(dir); got != "0001.xml current" {
		t.Errorf("described after a deletion: %s", got)
	}
}
