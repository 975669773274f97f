package supervisor

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/safehold/safehold/plugins/api"
	"github.com/safehold/safehold/runtime/control"
	"github.com/safehold/safehold/runtime/ha"
	"github.com/safehold/safehold/safefmt/userconfig"
)

// buildPlugin builds the published example in its own Go module, against this
// tree and the libraries this tree uses today.
func buildPlugin(t *testing.T) []byte {
	t.Helper()
	const repository = "../.."
	tmp := t.TempDir()
	for from, to := range map[string]string{"testdata/plugin-example/go.mod": "go.mod", "go.sum": "go.sum"} {
		raw, err := os.ReadFile(filepath.Join(repository, from))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(tmp, to), raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out := filepath.Join(tmp, "filecheck")
	build := exec.Command("go", "build", "-modfile="+filepath.Join(tmp, "go.mod"), "-mod=mod", "-ldflags=-s -w", "-o", out, ".")
	build.Dir = filepath.Join(repository, "testdata/plugin-example")
	build.Env = append(os.Environ(), "GOPROXY=off", "GOWORK=off")
	if msg, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the example: %v: %s", err, msg)
	}
	raw, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// put replaces an executable the way an update does.
func put(t *testing.T, path string, raw []byte) {
	t.Helper()
	if err := os.WriteFile(path+".new", raw, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

func pluginXML(arg string) string {
	return `<safe><service mode="light"><failover period="100ms" handle_time="0ms"/><user/>
<check><custom ident="flag" when="both" exec="filecheck" kind="plugin" interval="1s" timeout="5s" action="noaction" arg="` + arg + `"/></check>
</service></safe>`
}

func pluginRig(t *testing.T, xml string, plugin []byte) *rig {
	t.Helper()
	r := editRig(t, xml, nil)
	put(t, filepath.Join(r.tree.Edited("app"), "bin", "filecheck"), plugin)
	if err := r.install(); err != nil {
		t.Fatal(err)
	}
	return r
}

// value waits until the plugin's resource has the value.
func (r *rig) value(want string) {
	r.t.Helper()
	r.eventually("custom.flag is "+want, func() bool {
		var v control.Value
		err := r.Call(r.t.Context(), control.PathGet, control.Get{Resource: "custom.flag"}, &v)
		return err == nil && v.Value == want
	})
}

// running gives the processes of the plugin.
func (r *rig) running() []int {
	links, _ := filepath.Glob("/proc/[0-9]*/exe")
	var out []int
	for _, link := range links {
		exe, _ := os.Readlink(link)
		if strings.HasPrefix(exe, r.tree.Safe) && strings.Contains(exe, "/bin/filecheck") {
			pid, _ := strconv.Atoi(strings.Split(link, "/")[2])
			out = append(out, pid)
		}
	}
	return out
}

// signal sends a signal to the one process of the plugin.
func (r *rig) signal(sig syscall.Signal) {
	r.t.Helper()
	r.eventually("one plugin runs", func() bool { return len(r.running()) == 1 })
	if err := syscall.Kill(r.running()[0], sig); err != nil {
		r.t.Fatal(err)
	}
}

// TestPluginOfAUser: the plugin sets its resource, lives through being killed
// and hung, is refused when it was replaced, and accepted by a new config.
func TestPluginOfAUser(t *testing.T) {
	plugin := buildPlugin(t)
	flag := filepath.Join(t.TempDir(), "flag")
	r := pluginRig(t, pluginXML(flag), plugin)
	r.configure()
	r.serve()
	r.must(ha.VerbStart)
	r.reach(ha.Up)
	r.value(ha.ValueDown)
	r.logs("Resource custom.flag set to down by filecheck")
	if err := os.WriteFile(flag, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r.value(ha.ValueUp)
	for i, sig := range []syscall.Signal{syscall.SIGKILL, syscall.SIGSTOP} {
		r.signal(sig)
		r.eventually("the plugin is missed", func() bool {
			return strings.Count(strings.Join(r.logged(), "\n"), "Checker filecheck is down, starting it again") == i+1
		})
		r.value(ha.ValueUp)
	}

	put(t, filepath.Join(r.tree.UserBin("app"), "filecheck"), append(plugin[:len(plugin):len(plugin)], 'x'))
	r.signal(syscall.SIGKILL)
	r.value(ha.ValueDown)
	r.logs("Checker filecheck cannot be used", "Resource custom.flag set to down by filecheck")
	if log := strings.Join(r.logged(), "\n"); !strings.Contains(log, "the executable changed since it was configured") {
		t.Errorf("the log does not say why:\n%s", log)
	}

	put(t, filepath.Join(r.tree.Edited("app"), "bin", "filecheck"), append(plugin[:len(plugin):len(plugin)], 'x'))
	r.configure()
	if err := r.Call(t.Context(), control.PathReload, control.None{}, nil); err != nil {
		t.Fatal(err)
	}
	r.value(ha.ValueUp)
	r.must(ha.VerbStop)
	r.reach(ha.Stop)
	r.value(ha.ValueInit)
	r.logs("Checker filecheck is down, starting it again: ended by signal killed", "no sign of life")
	if left := r.running(); len(left) > 0 {
		t.Errorf("processes %v are left", left)
	}
	if err := os.WriteFile(filepath.Join(r.tree.Edited("app"), "conf", "userconfig.xml"), []byte(pluginXML("")), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := r.tryConfigure(); err == nil || !strings.Contains(err.Error(), "arg must be the path of a file") {
		t.Errorf("a check that the plugin refuses: %v", err)
	}
}

// TestPluginsThatConfigRefuses: there is no active configuration afterwards.
func TestPluginsThatConfigRefuses(t *testing.T) {
	script := []byte("#!/bin/sh\necho my own words >&2\nexit 3\n")
	loose := filepath.Join(t.TempDir(), "loose")
	put(t, loose, script)
	if err := os.Chmod(loose, 0o777); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, xml, want string
	}{
		{"no plugin", pluginXML("/x"), "plugin filecheck of custom.flag"},
		{"writable by others", strings.Replace(pluginXML("/x"), `"filecheck"`, `"`+loose+`"`, 1), "chmod go-w"},
	} {
		r := pluginRig(t, tc.xml, script)
		said, err := r.tryConfigure()
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v", tc.name, err)
		}
		if tc.name == "no plugin" && !strings.Contains(said, "my own words") {
			t.Errorf("%s: said %q", tc.name, said)
		}
		if _, err := os.Stat(r.tree.Active("app")); !os.IsNotExist(err) {
			t.Errorf("%s: something is active: %v", tc.name, err)
		}
	}
}

// wild is a checker that reports what it is told.
type wild struct {
	api.Checker
	results chan api.Result
}

func (w wild) Kinds(context.Context) ([]string, error) { return []string{"wild"}, nil }

func (w wild) Run(context.Context, []api.Check) (<-chan api.Result, error) { return w.results, nil }

// TestPluginThatMisbehaves: a flood, a foreign resource or an end of its
// results makes the plugin be started again, and costs the loop little.
func TestPluginThatMisbehaves(t *testing.T) {
	mine, foreign := ha.Resource{Class: "custom", ID: "flag"}, ha.Resource{Class: "rfs", ID: "uptodate"}
	for _, tc := range []struct {
		want string
		res  ha.Resource
		n    int
	}{{"more than 100 results", mine, 1000}, {"not its resource", foreign, 1}, {"ended its results", mine, 1}} {
		w := wild{results: make(chan api.Result, tc.n)}
		for range tc.n {
			w.results <- api.Result{Resource: tc.res, Value: ha.ValueUp}
		}
		close(w.results)
		s := &Supervisor{inbox: make(chan func(), 1000)}
		p := &pluginCheck{s: s, res: mine, check: userconfig.CustomCheck{Ident: "flag"}, ended: t.Context().Done()}
		err := p.watch(t.Context(), w)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("want %q: %v", tc.want, err)
		}
		if len(s.inbox) > floodResults {
			t.Errorf("%s: the loop got %d", tc.want, len(s.inbox))
		}
	}
	l := resultLimit{}
	for at := range time.Duration(1000) {
		if l.over(time.Time{}.Add(time.Hour + at*time.Second)) {
			t.Fatal("one result each second is a flood")
		}
	}
}
