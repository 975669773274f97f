package module

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/safehold/safehold/runtime/cluster/clusterxml"
	"github.com/safehold/safehold/runtime/ha"
	"github.com/safehold/safehold/runtime/paths"
)

// node is a store on a temporary tree, with a clock that moves by a second.
type node struct {
	*Store
	tree paths.Tree
	role map[ha.ModuleName]ha.Role
	out  bytes.Buffer
}

func newNode(t *testing.T) *node {
	t.Helper()
	n := &node{tree: paths.Tree{Safe: t.TempDir(), Var: t.TempDir()}, role: map[ha.ModuleName]ha.Role{}}
	at := time.Date(2026, 3, 2, 8, 15, 40, 0, time.UTC)
	n.Store = Open(n.tree, func(m ha.ModuleName) (ha.Role, bool) { r, ok := n.role[m]; return r, ok },
		func() time.Time { at = at.Add(time.Second); return at })
	return n
}

func (n *node) output() Output { return Output{Text: &n.out} }

// drop puts a package made of files into the drop-in folder.
func (n *node) drop(t *testing.T, name string, files map[string]string) {
	t.Helper()
	src := t.TempDir()
	for path, text := range files {
		full := filepath.Join(src, path)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := n.pack(t.Context(), src, filepath.Join(n.tree.Packages(), "generic", name+".safe")); err != nil {
		t.Fatal(err)
	}
}

const lightXML = `<safe><service mode="light"><user><var name="A" value="it's"/></user></service></safe>`

func light() map[string]string {
	return map[string]string{"conf/userconfig.xml": lightXML, "bin/start_both": "#!/bin/sh\n", "bin/prestart": "#!/bin/sh\n"}
}

func mirror(dir string) map[string]string {
	return map[string]string{"conf/userconfig.xml": fmt.Sprintf(`<safe><service mode="mirror"><heart><heartbeat name="office"/></heart>
<rfs><replicated dir="%s"/></rfs><user/></service></safe>`, dir), "bin/prestart": "#!/bin/sh\n"}
}

func cluster(t *testing.T) *Cluster {
	t.Helper()
	cfg, _, err := clusterxml.Parse("cluster.xml", []byte(`<cluster><lans><lan name="office">
<node name="n1" addr="10.99.1.1"/><node name="n2" addr="10.99.1.2"/></lan></lans></cluster>`))
	if err != nil {
		t.Fatal(err)
	}
	return &Cluster{Config: cfg, Local: "n1"}
}

func (n *node) install(t *testing.T, name string, files map[string]string) {
	t.Helper()
	n.drop(t, name, files)
	if _, err := n.Install(t.Context(), InstallOptions{Name: ha.ModuleName(name)}); err != nil {
		t.Fatal(err)
	}
}

func TestLifeOfALightModule(t *testing.T) {
	n := newNode(t)
	n.install(t, "web", light())
	if _, err := n.Install(t.Context(), InstallOptions{Name: "web"}); err == nil || !strings.Contains(err.Error(), "-r") {
		t.Errorf("installed twice: %v", err)
	}
	if err := n.Configure(t.Context(), "web", nil, n.output()); err != nil {
		t.Fatal(err)
	}
	a, err := LoadActive(n.tree, "web")
	if err != nil || a.ID != 1 || a.Config.Service.Mode != ha.Light {
		t.Fatalf("%+v, %v", a, err)
	}
	info, err := n.Info("web")
	if err != nil || info.Active != info.Edited {
		t.Errorf("signatures differ after config: %+v, %v", info, err)
	}
	wrapper, err := os.ReadFile(filepath.Join(n.tree.UserBin("web"), "web_start_wrapper.sh"))
	if err != nil || !strings.Contains(string(wrapper), `export A='it'\''s'`) {
		t.Errorf("wrapper %q, %v", wrapper, err)
	}
	if err := os.WriteFile(filepath.Join(n.tree.Edited("web"), "bin", "start_both"), []byte("#!/bin/sh\ntrue\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if info, err = n.Info("web"); err != nil || info.Active == info.Edited {
		t.Errorf("an edit does not show: %+v, %v", info, err)
	}
	backup, err := n.Uninstall(t.Context(), "web", n.output())
	if err != nil {
		t.Fatal(err)
	}
	for _, gone := range []string{n.tree.Edited("web"), n.tree.Active("web"), n.tree.UserVar("web")} {
		if _, err := os.Stat(gone); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is left: %v", gone, err)
		}
	}
	if _, err := n.Install(t.Context(), InstallOptions{Name: "web", File: backup}); err != nil {
		t.Errorf("install the backup: %v", err)
	}
}

func TestFailedConfigLeavesTheActiveOne(t *testing.T) {
	n := newNode(t)
	files := light()
	n.install(t, "web", files)
	if err := n.Configure(t.Context(), "web", nil, n.output()); err != nil {
		t.Fatal(err)
	}
	before, err := LoadActive(n.tree, "web")
	if err != nil {
		t.Fatal(err)
	}
	edited := n.tree.Edited("web")
	for _, tc := range []struct{ file, text, want string }{
		{"conf/userconfig.xml", "<safe><service mode='lite'/></safe>", "mode"},
		{"bin/postconfig", "#!/bin/sh\necho no such service; exit 1\n", "postconfig"},
		{"bin/config", "#!/bin/sh\nexit 3\n", "script config"},
	} {
		path := filepath.Join(edited, tc.file)
		old, _ := os.ReadFile(path)
		if err := os.WriteFile(path, []byte(tc.text), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := n.Configure(t.Context(), "web", nil, n.output()); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want it to name %q", tc.file, err, tc.want)
		}
		after, err := LoadActive(n.tree, "web")
		if err != nil || after.Date != before.Date {
			t.Errorf("%s: the active configuration changed (%v)", tc.file, err)
		}
		os.Remove(path)
		if old != nil {
			if err := os.WriteFile(path, old, 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	if !strings.Contains(n.out.String(), "no such service") {
		t.Errorf("the script's words were not shown: %q", n.out.String())
	}
	left, _ := filepath.Glob(filepath.Join(filepath.Dir(n.tree.Active("web")), ".stage*"))
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestMirrorNetworksAndLimits(t *testing.T) {
	n := newNode(t)
	dir := t.TempDir()
	n.install(t, "vm1", mirror(dir))
	if err := n.Configure(t.Context(), "vm1", nil, n.output()); err == nil {
		t.Error("configured without a cluster")
	}
	c := cluster(t)
	if err := n.Configure(t.Context(), "vm1", c, n.output()); err != nil {
		t.Fatal(err)
	}
	a, err := LoadActive(n.tree, "vm1")
	if err != nil {
		t.Fatal(err)
	}
	if a.Peer != "n2" || !a.First || a.Links[0].Local.String() != "10.99.1.1:8888" || a.PeerAddr.String() != "10.99.1.2:5600" {
		t.Errorf("%+v", a)
	}
	n.install(t, "vm2", mirror(filepath.Join(dir, "sub")))
	if err := os.Mkdir(filepath.Join(dir, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := n.Configure(t.Context(), "vm2", c, n.output()); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("a nested directory was accepted: %v", err)
	}
	for i := 3; i <= 27; i++ {
		name := fmt.Sprintf("vm%d", i)
		n.install(t, name, mirror(t.TempDir()))
		err := n.Configure(t.Context(), ha.ModuleName(name), c, n.output())
		if over := i == 27; (err != nil) != over {
			t.Fatalf("%s, mirror number %d: %v", name, i-1, err)
		}
	}
}

func TestRunningModuleTakesOnlyWhatMayChange(t *testing.T) {
	n := newNode(t)
	dir := t.TempDir()
	n.install(t, "vm1", mirror(dir))
	c := cluster(t)
	if err := n.Configure(t.Context(), "vm1", c, n.output()); err != nil {
		t.Fatal(err)
	}
	xml := filepath.Join(n.tree.Edited("vm1"), "conf", "userconfig.xml")
	write := func(from, to string) {
		t.Helper()
		raw, err := os.ReadFile(xml)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(xml, []byte(strings.Replace(string(raw), from, to, 1)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	n.role["vm1"] = ha.Role{State: ha.Alone, Status: ha.Ready}
	write("<heart>", `<heart pulse="500ms">`)
	if err := n.Configure(t.Context(), "vm1", c, n.output()); err != nil {
		t.Errorf("a dynamic change in ALONE Ready: %v", err)
	}
	write("<rfs>", `<rfs locktimeout="50">`)
	if err := n.Configure(t.Context(), "vm1", c, n.output()); err == nil || !strings.Contains(err.Error(), "rfs") {
		t.Errorf("a frozen change in ALONE Ready: %v", err)
	}
	n.role["vm1"] = ha.Role{State: ha.Prim, Status: ha.Ready}
	write(` locktimeout="50"`, "")
	if err := n.Configure(t.Context(), "vm1", c, n.output()); err == nil {
		t.Error("configured in PRIM")
	}
	if _, err := n.Uninstall(t.Context(), "vm1", n.output()); err == nil {
		t.Error("uninstalled in PRIM")
	}
}

func TestNamesAndIDs(t *testing.T) {
	for name, good := range map[string]bool{"kvm": true, "VM_1-a": true, "": false, "-x": false, "a/b": false, "all": false, "lastconfig": false, strings.Repeat("a", 33): false} {
		if _, err := ParseName(name); (err == nil) != good {
			t.Errorf("ParseName(%q): %v", name, err)
		}
	}
	r := Registry{Modules: map[ha.ModuleName]Record{"a": {ID: 1}, "b": {ID: 3}}}
	if id, err := r.admit("c", 0); err != nil || id != 2 {
		t.Errorf("smallest free id: %d, %v", id, err)
	}
	if _, err := r.admit("c", 3); err == nil {
		t.Error("an id in use was given again")
	}
	if _, err := r.admit("A", 0); err == nil {
		t.Error("a name that differs only by case was accepted")
	}
}

func TestPortFormulas(t *testing.T) {
	for id, want := range map[int][3]int{1: {8888, 5600, 4803}, 2: {8889, 5604, 4806}, 25: {8912, 5696, 4875}, 32: {8919, 5724, 4896}} {
		if got := [3]int{HeartPort(id), ReplicationPort(id), FarmPort(id)}; got != want {
			t.Errorf("id %d: %v, want %v", id, got, want)
		}
	}
	if got := PortList(1, ha.Mirror, 4800); !strings.Contains(got, "safenfs_port TCP 5600") {
		t.Error(got)
	}
}
