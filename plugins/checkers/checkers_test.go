package checkers

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/safehold/safehold/plugins/api"
	"github.com/safehold/safehold/plugins/api/plugintest"
	"github.com/safehold/safehold/runtime/ha"
)

// TestMain lets the test binary be the plugin executable.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "plugin" {
		Serve()
		return
	}
	os.Exit(m.Run())
}

func check(kind, ident string, attrs ...string) api.Check {
	c := api.Check{
		Kind: kind, Resource: ha.Resource{Class: kind, ID: ident}, Attrs: map[string]string{},
		Interval: 50 * time.Millisecond, Timeout: 2 * time.Second,
	}
	for i := 0; i < len(attrs); i += 2 {
		c.Attrs[attrs[i]] = attrs[i+1]
	}
	return c
}

func listener(t *testing.T, addr string) (net.Listener, string) {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l, strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

func cases(t *testing.T) plugintest.CheckerCase {
	_, open := listener(t, "127.0.0.1:0")
	closed, shut := listener(t, "127.0.0.1:0")
	_ = closed.Close()
	self, err := os.ReadFile("/proc/self/comm")
	if err != nil {
		t.Fatal(err)
	}
	me := string(self[:len(self)-1])
	return plugintest.CheckerCase{
		Up: []api.Check{
			check("tcp", "open", "addr", "127.0.0.1", "port", open),
			check("tcp", "byname", "addr", "localhost", "port", open),
			check("ping", "v4", "addr", "127.0.0.1"),
			check("ping", "v6", "addr", "::1"),
			check("proc", "me", "name", me),
			check("proc", "none-allowed", "name", "no-such-process", "atleast", "-1", "atmax", "0"),
		},
		Down: []api.Check{
			check("tcp", "shut", "addr", "127.0.0.1", "port", shut),
			check("tcp", "nowhere", "addr", "no-such-host.invalid", "port", "1"),
			check("ping", "nowhere", "addr", "no-such-host.invalid"),
			check("proc", "gone", "name", "no-such-process"),
		},
		Bad: []api.Check{
			check("tcp", "x", "addr", "127.0.0.1"),
			check("tcp", "x", "addr", "127.0.0.1", "port", "65536"),
			check("tcp", "x", "port", "80"),
			check("ping", "x"),
			check("proc", "x", "name", "x", "argregex", "("),
			{Kind: "tcp", Attrs: map[string]string{"addr": "::1", "port": "1"}},
		},
	}
}

func TestConformance(t *testing.T) {
	plugintest.Checker(t, func(t *testing.T) api.Checker {
		return plugintest.Connect[api.Checker](t, api.KindChecker, New())
	}, cases(t))
}

func TestConformanceOfTheExecutable(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	plugintest.Checker(t, func(t *testing.T) api.Checker {
		return plugintest.Start[api.Checker](t, api.KindChecker, self, "plugin", "checkers")
	}, cases(t))
}

const patience = 60 * time.Second

func next(t *testing.T, results <-chan api.Result) api.Result {
	t.Helper()
	select {
	case r, ok := <-results:
		if !ok {
			t.Fatal("the results ended")
		}
		return r
	case <-time.After(patience):
		t.Fatal("no result")
	}
	return api.Result{}
}

func run(t *testing.T, k api.Checker, checks ...api.Check) <-chan api.Result {
	t.Helper()
	results, err := k.Run(t.Context(), checks)
	if err != nil {
		t.Fatal(err)
	}
	return results
}

func TestServiceGoesAndComesBack(t *testing.T) {
	l, port := listener(t, "127.0.0.1:0")
	results := run(t, New(), check("tcp", "web", "addr", "127.0.0.1", "port", port))
	if r := next(t, results); r.Value != ha.ValueUp || r.Identity != "tcpcheck" || r.Figures["latency_seconds"] <= 0 {
		t.Errorf("%+v", r)
	}
	_ = l.Close()
	if r := next(t, results); r.Value != ha.ValueDown || r.Message == "" {
		t.Errorf("%+v", r)
	}
	listener(t, "127.0.0.1:"+port)
	if r := next(t, results); r.Value != ha.ValueUp {
		t.Errorf("%+v", r)
	}
}

func TestProcessGoesAndFaults(t *testing.T) {
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "sfhd-errd-test")
	if err := os.Symlink(sleep, link); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(link, "1000")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := check("proc", "app", "name", "sfhd-errd-test", "action", "restart")
	k := New()
	results := run(t, k, c)
	if r := next(t, results); r.Value != ha.ValueUp || r.Identity != "errd" {
		t.Errorf("%+v", r)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	for range 2 { // repeated while it lasts
		r := next(t, results)
		if r.Value != ha.ValueDown || r.Fault != "restart" || r.Message != "Process sfhd-errd-test not running" {
			t.Errorf("%+v", r)
		}
	}
}

// A check that stays is not begun anew by a second Run: its start_after is not
// counted again, and its value is told without a test.
func TestChecksThatStayGoOn(t *testing.T) {
	slow := check("tcp", "slow", "addr", "127.0.0.1", "port", "1")
	slow.Interval = time.Hour
	k := New()
	first := run(t, k, slow)
	if r := next(t, first); r.Value != ha.ValueDown {
		t.Errorf("%+v", r)
	}
	_, port := listener(t, "127.0.0.1:0")
	second := run(t, k, slow, check("tcp", "new", "addr", "127.0.0.1", "port", port))
	seen := map[string]string{}
	for len(seen) < 2 {
		r := next(t, second)
		seen[r.Resource.ID] = r.Value
	}
	if seen["slow"] != ha.ValueDown || seen["new"] != ha.ValueUp {
		t.Errorf("%v", seen)
	}
}

func TestEndOfRunEndsTheChecks(t *testing.T) {
	procs := newPoller("/proc")
	k := assemble(procs)
	before := runtime.NumGoroutine()
	ctx, cancel := context.WithCancel(t.Context())
	results, err := k.Run(ctx, []api.Check{
		check("tcp", "a", "addr", "127.0.0.1", "port", "1"), check("proc", "b", "name", "no-such-process"),
	})
	if err != nil {
		t.Fatal(err)
	}
	next(t, results)
	next(t, results)
	cancel()
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		procs.mu.Lock()
		idle := procs.wake == nil && len(procs.watches) == 0
		procs.mu.Unlock()
		if idle && runtime.NumGoroutine() <= before {
			return
		}
		if time.Now().After(end) {
			t.Fatal("something still runs")
		}
	}
}
