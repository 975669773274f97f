package errd

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/safehold/safehold/plugins/api"
	"github.com/safehold/safehold/runtime/ha"
)

func check(attrs ...string) api.Check {
	c := api.Check{Kind: "proc", Interval: 10 * time.Second, Timeout: time.Second, Attrs: map[string]string{}}
	for i := 0; i < len(attrs); i += 2 {
		c.Attrs[attrs[i]] = attrs[i+1]
	}
	c.Resource = ha.Resource{Class: "proc", ID: c.Attrs["name"]}
	return c
}

func TestParse(t *testing.T) {
	p, err := Parse(check("name", "mysqld"))
	if err != nil || p.AtLeast != 1 || p.AtMost != -1 || p.Action != "stopstart" || p.Service {
		t.Errorf("defaults: %+v, %v", p, err)
	}
	for name, attrs := range map[string][]string{
		"no name":     {"service", "yes"},
		"service":     {"name", "x", "service", "on"},
		"nameregex":   {"name", "x", "nameregex", "("},
		"argregex":    {"name", "x", "argregex", "["},
		"atleast":     {"name", "x", "atleast", "many"},
		"atmax":       {"name", "x", "atmax", "-2"},
		"start_after": {"name", "x", "start_after", "-1"},
	} {
		if _, err := Parse(check(attrs...)); !errors.Is(err, api.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCount(t *testing.T) {
	process := func(comm, args string) Process { return Process{Comm: comm, args: args, read: true} }
	all := []Process{
		process("vi", "vi /data/x"), process("vi", "vi /data/y"), process("vim", "vim /data/x"),
		process("a-very-long-nam", "/usr/bin/a-very-long-name-indeed -d"), process("java", "/opt/jdk/bin/java -jar app.jar"),
	}
	for _, tc := range []struct {
		attrs []string
		want  int
	}{
		{[]string{"name", "vi"}, 2},
		{[]string{"name", "v"}, 0},
		{[]string{"name", "vi", "argregex", "/data/x"}, 1},
		{[]string{"name", "edit", "nameregex", "^vi"}, 3},
		{[]string{"name", "edit", "nameregex", "^vi", "argregex", "x$"}, 2},
		{[]string{"name", "a-very-long-name-indeed"}, 1},
		{[]string{"name", "app", "nameregex", "java", "argregex", "^/opt/.*app[.]jar$"}, 1},
		{[]string{"name", "none", "nameregex", "^(ba|z)sh$"}, 0},
	} {
		p, err := Parse(check(tc.attrs...))
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Count(all); got != tc.want {
			t.Errorf("%v: %d, want %d", tc.attrs, got, tc.want)
		}
	}
}

func TestJudgeAndMessage(t *testing.T) {
	for _, tc := range []struct {
		atleast, atmax, n int
		want              Verdict
	}{
		{1, -1, 0, TooFew}, {1, -1, 1, Right}, {1, -1, 99, Right}, {3, -1, 2, TooFew},
		{-1, 0, 0, Right}, {-1, 0, 1, TooMany}, {1, 2, 2, Right}, {1, 2, 3, TooMany}, {-1, -1, 0, Right},
	} {
		p := Pattern{AtLeast: tc.atleast, AtMost: tc.atmax}
		if got := p.Judge(tc.n); got != tc.want {
			t.Errorf("%+v: %v", tc, got)
		}
	}
	p := Pattern{Name: "x"}
	if got := p.Message(TooFew); got != "Process x not running" {
		t.Error(got)
	}
	if got := p.Message(TooMany); got != "Process x running more than allowed" {
		t.Error(got)
	}
	p.Service = true
	if got := p.Message(TooFew); got != "Service x not running" || p.Unit() != "x.service" {
		t.Error(got, p.Unit())
	}
	p.Name = "x.socket"
	if p.Unit() != "x.socket" {
		t.Error(p.Unit())
	}
}

func TestWatch(t *testing.T) {
	start := time.Unix(1000, 0)
	type seen struct {
		count        int
		err          error
		news         bool
		value, fault string
	}
	for _, tc := range []struct {
		name  string
		attrs []string
		first time.Duration
		seen  []seen
	}{
		{"comes and goes", []string{"name", "x"}, 0, []seen{
			{1, nil, true, "up", ""}, {2, nil, false, "up", ""}, {0, nil, true, "down", "stopstart"},
			{0, nil, true, "down", "stopstart"}, {1, nil, true, "up", ""}}},
		{"noaction is told once", []string{"name", "x", "action", "noaction"}, 0, []seen{
			{0, nil, true, "down", ""}, {0, nil, false, "down", ""}}},
		{"unknown", []string{"name", "x"}, 0, []seen{
			{0, errors.New("deaf"), true, "unknown", ""}, {0, errors.New("deaf"), false, "unknown", ""}, {1, nil, true, "up", ""}}},
		{"start_after 0", []string{"name", "x", "start_after", "0"}, 0, nil},
		{"start_after 1", []string{"name", "x", "start_after", "1"}, 0, nil},
		{"start_after 3", []string{"name", "x", "start_after", "3"}, 20 * time.Second, nil},
	} {
		w, err := NewWatch(check(tc.attrs...), start)
		if err != nil {
			t.Fatal(err)
		}
		if got := w.Next().Sub(start); got != tc.first {
			t.Errorf("%s: first look after %v, want %v", tc.name, got, tc.first)
		}
		for i, s := range tc.seen {
			r, news := w.Seen(start, s.count, s.err)
			if news != s.news || r.Value != s.value || r.Fault != s.fault || r.Identity != "errd" {
				t.Errorf("%s: look %d: %v %+v", tc.name, i, news, r)
			}
			if got := w.Next().Sub(start); got != 10*time.Second {
				t.Errorf("%s: next look after %v", tc.name, got)
			}
		}
	}
}

func TestParseStat(t *testing.T) {
	for _, tc := range []struct {
		raw, comm string
		runs      bool
	}{
		{"12 (bash) S 1 12 12", "bash", true},
		{"12 (odd) name) (x) R 1", "odd) name) (x", true},
		{"12 (dead) Z 1", "dead", false},
		{"12 (dead) X 1", "dead", false},
		{"", "", false}, {"12 (", "", false}, {"12 (x)", "", false}, {")(", "", false},
	} {
		if comm, runs := parseStat([]byte(tc.raw)); comm != tc.comm || runs != tc.runs {
			t.Errorf("%q: %q %v", tc.raw, comm, runs)
		}
	}
}

func TestActiveState(t *testing.T) {
	for state, want := range map[string]bool{"active": true, "reloading": true, "activating": false, "failed": false, "inactive": false, "": false} {
		if activeState(state) != want {
			t.Errorf("%s: %v", state, !want)
		}
	}
}

// A real process with a name of its own: sleep under another name.
func startNamed(t *testing.T, name string) {
	t.Helper()
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), name)
	if err := os.Symlink(sleep, link); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(link, "1000")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
}

func TestScanOfRealProcesses(t *testing.T) {
	startNamed(t, "sfhd-scan-test-x") // 16 bytes: the kernel keeps 15
	all, err := Scan("/proc")
	if err != nil {
		t.Fatal(err)
	}
	p, err := Parse(check("name", "sfhd-scan-test-x", "argregex", "/sfhd-scan-test-x 1000$"))
	if err != nil {
		t.Fatal(err)
	}
	if n := p.Count(all); n != 1 {
		t.Errorf("%d processes found", n)
	}
	if _, err := Scan(t.TempDir() + "/none"); err == nil {
		t.Error("a missing folder was scanned")
	}
}

func TestLookSharesOneScan(t *testing.T) {
	root := t.TempDir()
	for pid, line := range map[string]string{"1": "1 (init) S 0", "7": "7 (app) S 1", "8": "8 (app) Z 1", "self": "x"} {
		if err := os.MkdirAll(filepath.Join(root, pid), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, pid, "stat"), []byte(line), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var watches []*Watch
	for _, name := range []string{"app", "init", "gone"} {
		w, err := NewWatch(check("name", name), time.Unix(0, 0))
		if err != nil {
			t.Fatal(err)
		}
		watches = append(watches, w)
	}
	got := map[string]string{}
	m := Machine{Proc: root}
	m.Look(context.Background(), time.Unix(0, 0), watches, func(w *Watch, r api.Result) { got[r.Resource.ID] = r.Value })
	if got["app"] != "up" || got["init"] != "up" || got["gone"] != "down" {
		t.Errorf("%v", got)
	}
}

func TestServiceWithoutSystemd(t *testing.T) {
	if _, err := os.Stat("/run/systemd/system"); err == nil {
		var s Services
		defer s.Close()
		if runs, err := s.Running(t.Context(), "no-such-unit-here.service"); err != nil || runs {
			t.Errorf("a unit that does not exist: %v, %v", runs, err)
		}
		return
	}
	w, err := NewWatch(check("name", "nginx", "service", "yes"), time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	var got []api.Result
	m := Machine{Proc: "/proc"}
	m.Look(t.Context(), time.Unix(0, 0), []*Watch{w}, func(_ *Watch, r api.Result) { got = append(got, r) })
	if len(got) != 1 || got[0].Value != ha.ValueUnknown || got[0].Fault != "" || !strings.Contains(got[0].Message, "systemd does not run here") {
		t.Errorf("%+v", got)
	}
}
