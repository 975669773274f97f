package generic

import (
	"bytes"
	"io/fs"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/safehold/safehold/safefmt"
	"github.com/safehold/safehold/safefmt/userconfig"
)

// shipped maps every module of the product to the macros a user sets.
func shipped() map[string]map[string]string {
	return map[string]map[string]string{
		"../kvm": {"VM_PATH": "/srv/vm", "VM_NAME": "web1"},
		"mirror": {"DIRECTORY": "/srv/vm", "VIRTUAL_IP": "192.168.1.99"},
		"light":  {},
		"farm":   {},
	}
}

// TestPackagesAreGood packs every module and opens it as an install would:
// no error, no warning, and every script is one the shell can read.
func TestPackagesAreGood(t *testing.T) {
	for dir := range shipped() {
		var out bytes.Buffer
		if err := safefmt.PackParts(t.Context(), dir, &out, "conf", "bin", "web", "manifest.xml", "README.md"); err != nil {
			t.Fatal(err)
		}
		p, err := safefmt.Read(filepath.Base(dir)+".safe", bytes.NewReader(out.Bytes()), int64(out.Len()), safefmt.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Warnings()) != 0 {
			t.Errorf("%s: warnings %q", dir, p.Warnings())
		}
		if _, ok := p.File("README.md"); !ok {
			t.Errorf("%s: no README.md", dir)
		}
		for _, e := range p.Entries() {
			if !strings.HasPrefix(e.Name, "bin/") {
				continue
			}
			if e.Mode != 0o755 {
				t.Errorf("%s: %s has mode %v", dir, e.Name, e.Mode)
			}
			if msg, err := exec.Command("bash", "-n", filepath.Join(dir, e.Name)).CombinedOutput(); err != nil {
				t.Errorf("%s: %s: %v\n%s", dir, e.Name, err, msg)
			}
		}
	}
}

// TestConfigurations: as shipped, the modules that need values are refused for
// the missing ones only; with them, there is no error and no warning.
func TestConfigurations(t *testing.T) {
	for dir, macros := range shipped() {
		src, err := os.ReadFile(filepath.Join(dir, "conf/userconfig.xml"))
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := userconfig.Parse("userconfig.xml", src, env(dir)); (err == nil) != (len(macros) == 0) {
			t.Errorf("%s as shipped: %v", dir, err)
		}
		for name, value := range macros {
			if src, err = userconfig.SetMacro(src, name, value); err != nil {
				t.Fatal(err)
			}
		}
		_, warnings, err := userconfig.Parse("userconfig.xml", src, env(dir))
		if err != nil || len(warnings) != 0 {
			t.Errorf("%s with %v: %v, warnings %v", dir, macros, err, warnings)
		}
	}
}

// TestOldConfiguration: the kvm scripts go with the configuration of the 7.x
// tutorial, userconfig-xml.md section 16.
func TestOldConfiguration(t *testing.T) {
	src := []byte(`<!DOCTYPE safe>
<safe>
  <macro name="STORE" value="/srv/vm"/>
  <macro name="GUEST" value="web1"/>
  <service mode="mirror" defaultprim="alone" maxloop="3" loop_interval="24" failover="on">
    <heart><heartbeat name=""></heartbeat></heart>
    <rfs mountover="off" async="second" locktimeout="200" nbrei="3">
      <replicated dir="%STORE%/%GUEST%" mode="read_only"></replicated>
    </rfs>
    <user>
      <var name="VM_PATH" value="%STORE%/%GUEST%"/>
      <var name="VM_NAME" value="%GUEST%"/>
    </user>
  </service>
</safe>`)
	_, warnings, err := userconfig.Parse("userconfig.xml", src, env("../kvm"))
	if err != nil || len(warnings) != 1 {
		t.Errorf("%v, warnings %v", err, warnings)
	}
}

// env is the world around a configuration: two nodes, one network.
func env(dir string) userconfig.Env {
	return userconfig.Env{
		Module: "m1", Node: "n1", ModuleNodes: []string{"n1", "n2"},
		Cluster: &userconfig.Cluster{Lans: []userconfig.Lan{{Name: "default", Nodes: []string{"n1", "n2"}}}},
		Getenv:  func(string) (string, bool) { return "", false },
		Stat: func(path string) (userconfig.PathInfo, error) {
			if !slices.Contains([]string{"/srv/vm", "/srv/vm/web1"}, path) {
				return userconfig.PathInfo{}, fs.ErrNotExist
			}
			return userconfig.PathInfo{Dir: true}, nil
		},
		Executable: func(name string) error {
			_, err := os.Stat(filepath.Join(dir, "bin", name))
			return err
		},
		LocalAddrs: []userconfig.LocalAddr{{Device: "eth0", Prefix: netip.MustParsePrefix("192.168.1.10/24")}},
	}
}
