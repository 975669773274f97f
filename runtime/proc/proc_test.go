package proc

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const patience = 60 * time.Second

// until polls cond, which must become true within patience.
func until(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !cond(); {
		if time.Now().After(end) {
			t.Fatalf("waited %v in vain: %s", patience, what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func sh(script string) Spec {
	return Spec{Path: "/bin/sh", Args: []string{"-c", script}, Env: os.Environ()}
}

type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func run(t *testing.T, spec Spec) Exit {
	t.Helper()
	e, err := Run(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func alive(pid int) bool {
	raw, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && !strings.Contains(string(raw), ") Z ")
}

// pidIn waits for a file with a pid in it, and sees to that process at the end.
func pidIn(t *testing.T, path string) int {
	t.Helper()
	pid := 0
	until(t, "a pid in "+path, func() bool {
		raw, _ := os.ReadFile(path)
		n, err := strconv.Atoi(strings.TrimSpace(string(raw)))
		pid = n
		return err == nil && strings.HasSuffix(string(raw), "\n")
	})
	t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGKILL) })
	return pid
}

func TestExit(t *testing.T) {
	if e := run(t, sh("exit 0")); !e.OK() || e.Stopped {
		t.Errorf("%+v", e)
	}
	if e := run(t, sh("exit 7")); e.Code != 7 || e.OK() || e.String() != "exit status 7" {
		t.Errorf("%+v", e)
	}
	if e := run(t, sh("kill -9 $$")); e.Signal != syscall.SIGKILL || e.OK() {
		t.Errorf("%+v", e)
	}
	if _, err := Start(Spec{Path: "/nonexistent/program"}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("start of nothing: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, sh("exit 0")); !errors.Is(err, context.Canceled) {
		t.Errorf("run with an ended context: %v", err)
	}
}

func TestOutputIsComplete(t *testing.T) {
	var out buffer
	spec := sh("echo one; echo two >&2; seq 1 20000; echo end")
	spec.Output = &out
	run(t, spec)
	if s := out.String(); !strings.HasPrefix(s, "one\ntwo\n") || !strings.HasSuffix(s, "20000\nend\n") {
		t.Errorf("output of %d bytes ends in %q", len(s), s[max(0, len(s)-20):])
	}
}

func TestOwnFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var rest buffer
	spec := sh("echo file; echo pipe >&2")
	spec.Stdout, spec.Output = f, &rest
	run(t, spec)
	raw, _ := os.ReadFile(path)
	if string(raw) != "file\n" || rest.String() != "pipe\n" {
		t.Errorf("file %q, pipe %q", raw, rest.String())
	}
}

// A script's daemon keeps the output open: the end of the script counts, the
// daemon lives on and its words still arrive.
func TestDaemonLeftBehind(t *testing.T) {
	dir := t.TempDir()
	var out buffer
	spec := sh(`setsid sh -c 'echo $$ >` + dir + `/pid; while [ ! -e ` + dir + `/go ]; do sleep 0.05; done; echo late; sleep 1000' & echo early`)
	spec.Output = &out
	if e := run(t, spec); !e.OK() {
		t.Fatalf("%+v", e)
	}
	if !strings.Contains(out.String(), "early\n") {
		t.Errorf("output before the end is missing: %q", out.String())
	}
	pid := pidIn(t, dir+"/pid")
	if err := os.WriteFile(dir+"/go", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	until(t, "words of the daemon", func() bool { return strings.Contains(out.String(), "late\n") })
	if !alive(pid) {
		t.Error("the daemon died")
	}
}

func TestStopEndsTheGroup(t *testing.T) {
	dir := t.TempDir()
	spec := sh(`sh -c 'trap "" TERM; echo $$ >` + dir + `/pid; while :; do sleep 0.1; done' & wait`)
	spec.Grace = 200 * time.Millisecond
	p, err := Start(spec)
	if err != nil {
		t.Fatal(err)
	}
	child := pidIn(t, dir+"/pid")
	p.Stop()
	if e := p.Wait(); e.Signal != syscall.SIGTERM || !e.Stopped {
		t.Errorf("%+v", e)
	}
	until(t, "end of the stubborn child", func() bool { return !alive(child) })
	if err := p.Signal(syscall.SIGTERM); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("signal after the end: %v", err)
	}
	p.Stop()
	p.Kill()
}

func TestStopKillsTheDeaf(t *testing.T) {
	dir := t.TempDir()
	spec := sh(`trap "" TERM; echo $$ >` + dir + `/pid; while :; do sleep 0.1; done`)
	spec.Grace = 100 * time.Millisecond
	p, err := Start(spec)
	if err != nil {
		t.Fatal(err)
	}
	pidIn(t, dir+"/pid")
	p.Stop()
	if e := p.Wait(); e.Signal != syscall.SIGKILL {
		t.Errorf("%+v", e)
	}
}

func TestDeadline(t *testing.T) {
	spec := sh("sleep 1000")
	spec.Deadline, spec.Grace = 50*time.Millisecond, 100*time.Millisecond
	if e := run(t, spec); !e.TimedOut || e.OK() {
		t.Errorf("%+v", e)
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	e, err := Run(ctx, sh("sleep 1000"))
	if err != nil || !e.Stopped || e.OK() {
		t.Errorf("%+v, %v", e, err)
	}
}

func TestDescriptors(t *testing.T) {
	// A descriptor without close-on-exec, as a careless parent leaves it.
	leak, err := syscall.Open("/dev/null", syscall.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(leak)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var out buffer
	spec := sh("ls /proc/$$/fd; echo extra >&3")
	spec.Output, spec.ExtraFiles = &out, []*os.File{w}
	run(t, spec)
	w.Close()
	extra, _ := io.ReadAll(r)
	if got := strings.Fields(out.String()); strings.Join(got, " ") != "0 1 2 3" {
		t.Errorf("the child has descriptors %v", got)
	}
	if string(extra) != "extra\n" {
		t.Errorf("descriptor 3 carried %q", extra)
	}
}

func TestOwnSession(t *testing.T) {
	var out buffer
	spec := sh(`cat /proc/$$/stat; pwd`)
	spec.Output, spec.Dir = &out, "/proc"
	run(t, spec)
	f := strings.Fields(out.String())
	if len(f) < 6 || f[0] != f[4] || f[0] != f[5] {
		t.Errorf("pid, group and session differ: %v", f)
	}
	if !strings.HasSuffix(out.String(), "/proc\n") {
		t.Errorf("wrong directory: %q", out.String())
	}
}

// countingSink fails after limit bytes, as a full disk does.
type countingSink struct{ limit, n int64 }

func (c *countingSink) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	if c.n > c.limit {
		return 0, errors.New("no space left")
	}
	return len(p), nil
}

func TestMuchOutput(t *testing.T) {
	sink := &countingSink{limit: 1 << 20}
	spec := Spec{Path: "/usr/bin/head", Args: []string{"-c", "256M", "/dev/zero"}, Output: sink}
	if e := run(t, spec); !e.OK() {
		t.Errorf("a full sink hurt the child: %+v", e)
	}
	if sink.n > 2<<20 {
		t.Errorf("%d bytes were offered to a sink that had failed", sink.n)
	}
}

// TestMain lets the test binary be the parent whose death is watched.
func TestMain(m *testing.M) {
	if dir := os.Getenv("PROC_TEST_PARENT"); dir != "" {
		parent(dir)
		return
	}
	os.Exit(m.Run())
}

func parent(dir string) {
	for name, sig := range map[string]syscall.Signal{"tied": syscall.SIGKILL, "free": 0} {
		spec := sh("echo $$ >" + dir + "/" + name + "; exec sleep 1000")
		spec.DeathSignal = sig
		if _, err := Start(spec); err != nil {
			panic(err)
		}
	}
	select {}
}

func TestDeathOfTheParent(t *testing.T) {
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), "PROC_TEST_PARENT="+dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	tied, free := pidIn(t, dir+"/tied"), pidIn(t, dir+"/free")
	if !alive(tied) || !alive(free) {
		t.Error("a child died before its parent")
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	until(t, "end of the tied child", func() bool { return !alive(tied) })
	if !alive(free) {
		t.Error("the free child died with its parent")
	}
}
