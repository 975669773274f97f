package script

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/safehold/safehold/runtime/paths"
)

func runner(t *testing.T, cfg Config) (*Runner, func(name, body string), paths.Tree) {
	t.Helper()
	tree := paths.Tree{Safe: filepath.Join(t.TempDir(), "safe"), Var: filepath.Join(t.TempDir(), "var")}
	for _, dir := range []string{tree.UserBin("m"), tree.UserVar("m")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write := func(name, body string) {
		if err := os.WriteFile(filepath.Join(tree.UserBin("m"), name), []byte("#!/bin/sh\n"+body), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	clock := func() time.Time { return time.Date(2026, 3, 2, 8, 15, 40, 0, time.UTC) }
	return New(tree, "m", cfg, []string{"HOME=/root", "POSIXLY_CORRECT=1", "PATH=/nowhere"}, clock), write, tree
}

func TestRunKeepsOutputAndGivesTheEnvironment(t *testing.T) {
	r, write, tree := runner(t, Config{Logging: true, LogSize: 1 << 20, Vars: []string{"VM_NAME=vm1"}})
	write("start_prim", `echo "$SAFEMODULE $VM_NAME $1 $2 ${POSIXLY_CORRECT-unset}"; pwd; echo problem >&2; exit 7`)
	run, err := r.Start("start_prim", []string{"WAIT", "ALONE"}, false)
	if err != nil {
		t.Fatal(err)
	}
	if exit := run.Wait(); exit.Code != 7 {
		t.Errorf("exit %v, want 7", exit)
	}
	if run.Log != "userlog_2026-03-02T081540_start_prim.ulog" {
		t.Errorf("log %q", run.Log)
	}
	got, err := os.ReadFile(filepath.Join(tree.UserVar("m"), run.Log))
	want := "----------- 2026-03-02T08:15:40 start_prim\nm vm1 WAIT ALONE unset\n" + tree.UserVar("m") + "\nproblem\n"
	if err != nil || string(got) != want {
		t.Errorf("got %q, want %q (%v)", got, want, err)
	}
}

func TestMissingAndUnusableScripts(t *testing.T) {
	r, write, tree := runner(t, Config{})
	if _, err := r.Start("poststop", nil, false); !errors.Is(err, ErrMissing) {
		t.Errorf("got %v, want ErrMissing", err)
	}
	write("prestart", "")
	if err := os.Chmod(filepath.Join(tree.UserBin("m"), "prestart"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Start("prestart", nil, false); err == nil || !strings.Contains(err.Error(), "not executable") {
		t.Errorf("got %v", err)
	}
}

func TestSlowStopIsKilledWithItsChildren(t *testing.T) {
	r, write, tree := runner(t, Config{NiceStop: 200 * time.Millisecond})
	pidfile := filepath.Join(tree.UserVar("m"), "pid")
	write("stop_prim", "sleep 600 & echo $! >"+pidfile+"; wait")
	run, err := r.Start("stop_prim", nil, false)
	if err != nil {
		t.Fatal(err)
	}
	if exit := run.Wait(); !exit.TimedOut {
		t.Errorf("exit %v, want its deadline", exit)
	}
	raw, err := os.ReadFile(pidfile)
	if err != nil {
		t.Fatal(err)
	}
	waitGone(t, strings.TrimSpace(string(raw)))
}

func waitGone(t *testing.T, pid string) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		stat, err := os.ReadFile("/proc/" + pid + "/stat")
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return
		}
	}
	t.Errorf("process %s is still there", pid)
}

func TestDaemonThatKeepsOutputDoesNotBlock(t *testing.T) {
	r, write, tree := runner(t, Config{Logging: true, LogSize: 1 << 20})
	pidfile := filepath.Join(tree.UserVar("m"), "pid")
	write("start_prim", "setsid sleep 600 & echo $! >"+pidfile)
	run, err := r.Start("start_prim", nil, false)
	if err != nil {
		t.Fatal(err)
	}
	if exit := run.Wait(); !exit.OK() {
		t.Errorf("exit %v", exit)
	}
	raw, err := os.ReadFile(pidfile)
	if err != nil {
		t.Fatal(err)
	}
	pid := strings.TrimSpace(string(raw))
	if _, err := os.Stat("/proc/" + pid); err != nil {
		t.Errorf("the daemon did not outlive its script: %v", err)
	}
	kill(t, pid)
}

func kill(t *testing.T, pid string) {
	t.Helper()
	p, err := os.FindProcess(atoi(t, pid))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Kill(); err != nil {
		t.Error(err)
	}
}

func atoi(t *testing.T, s string) int {
	t.Helper()
	n := 0
	for _, c := range s {
		if c < '0' || c > '9' {
			t.Fatalf("pid %q", s)
		}
		n = 10*n + int(c-'0')
	}
	return n
}

func TestGigabyteOfOutputStaysBounded(t *testing.T) {
	const size = 64 << 10
	r, write, tree := runner(t, Config{Logging: true, LogSize: size})
	write("start_prim", "head -c 1073741824 /dev/zero | tr '\\0' 'x'")
	run, err := r.Start("start_prim", nil, false)
	if err != nil {
		t.Fatal(err)
	}
	run.Wait()
	info, err := os.Stat(filepath.Join(tree.UserVar("m"), run.Log))
	if err != nil || info.Size() > runningFactor*size {
		t.Errorf("log of %d bytes, want at most %d (%v)", info.Size(), runningFactor*size, err)
	}
}

func TestTidyKeepsTheNewest(t *testing.T) {
	r, _, tree := runner(t, Config{Logging: true, LogSize: 10})
	for i := range keepLogs + 5 {
		name := time.Date(2026, 1, 1, 0, 0, i, 0, time.UTC).Format("userlog_2006-01-02T150405_x.ulog")
		if err := os.WriteFile(filepath.Join(tree.UserVar("m"), name), []byte("longer than ten"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Tidy(); err != nil {
		t.Fatal(err)
	}
	logs, _ := filepath.Glob(filepath.Join(tree.UserVar("m"), "*.ulog"))
	if len(logs) != keepLogs || !strings.HasSuffix(logs[0], "userlog_2026-01-01T000005_x.ulog") {
		t.Errorf("%d logs kept, first %s", len(logs), logs[0])
	}
	raw, _ := os.ReadFile(logs[0])
	if !strings.Contains(string(raw), "emptied") {
		t.Errorf("long log not emptied: %q", raw)
	}
}
