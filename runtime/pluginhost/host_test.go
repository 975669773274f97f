package pluginhost

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
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/safehold/safehold/plugins/api"
)

const patience = 60 * time.Second

func until(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !cond(); {
		if time.Now().After(end) {
			t.Fatalf("waited %v in vain: %s", patience, what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func alive(pid int) bool {
	raw, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && !strings.Contains(string(raw), ") Z ")
}

// logBuffer is a log one can look into while it is written.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// rig is a host with one supervised test plugin.
type rig struct {
	s      *Supervised[api.Heartbeat]
	log    *logBuffer
	ups    atomic.Int32
	downs  chan error
	stop   context.CancelFunc
	served chan error
	dir    string
}

func config(t *testing.T, dir string, log io.Writer) Config {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	logger := logrus.New()
	logger.SetOutput(log)
	logger.SetLevel(logrus.DebugLevel)
	return Config{
		Log: logger, Self: self, SocketDir: filepath.Join(dir, "s"),
		Timing: Timing{Every: 100 * time.Millisecond, Deadline: 3 * time.Second, Backoff: Backoff{Max: 200 * time.Millisecond}},
	}
}

func newRig(t *testing.T, p Plugin, change func(*Config)) *rig {
	t.Helper()
	r := &rig{log: &logBuffer{}, downs: make(chan error, 1000), served: make(chan error, 1)}
	r.dir = shortTempDir(t)
	cfg := config(t, r.dir, r.log)
	if change != nil {
		change(&cfg)
	}
	h, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r.s = h.Heartbeat(p, Events[api.Heartbeat]{
		OnUp:   func(context.Context, api.Heartbeat) { r.ups.Add(1) },
		OnDown: func(reason error) { r.downs <- reason },
	})
	var ctx context.Context
	ctx, r.stop = context.WithCancel(context.Background())
	go func() { r.served <- r.s.Serve(ctx) }()
	t.Cleanup(func() {
		r.stop()
		r.wait(t)
		if t.Failed() {
			t.Log(r.log.String())
		}
	})
	return r
}

// shortTempDir keeps socket paths below the kernel's limit.
func shortTempDir(t *testing.T) string {
	dir, err := os.MkdirTemp("/tmp", "ph")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// wait gives Serve's result; it may be asked for repeatedly.
func (r *rig) wait(t *testing.T) error {
	t.Helper()
	select {
	case err := <-r.served:
		r.served <- err
		return err
	case <-time.After(patience):
		t.Fatal("Serve does not return")
		return nil
	}
}

func (r *rig) up(t *testing.T) (api.Heartbeat, int) {
	t.Helper()
	until(t, "the plugin is up", func() bool { _, up := r.s.Client(); return up && r.ups.Load() > 0 })
	c, _ := r.s.Client()
	return c, r.s.PID()
}

func (r *rig) down(t *testing.T) error {
	t.Helper()
	select {
	case err := <-r.downs:
		return err
	case <-time.After(patience):
		t.Fatal("the plugin does not go down")
		return nil
	}
}

func TestStartCallStop(t *testing.T) {
	r := newRig(t, Plugin{Name: "good"}, nil)
	c, pid := r.up(t)
	info, err := c.Info(t.Context())
	if err != nil || info.Name != "good" {
		t.Fatalf("%+v, %v", info, err)
	}
	if st, err := os.Stat(filepath.Join(r.dir, "s")); err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("socket folder: %v, %v", st, err)
	}
	r.stop()
	if err := r.wait(t); err != nil {
		t.Errorf("Serve: %v", err)
	}
	if alive(pid) {
		t.Error("the plugin outlives Serve")
	}
	if len(r.downs) != 0 {
		t.Errorf("a wanted end was reported: %v", <-r.downs)
	}
	if _, err := c.Info(t.Context()); !errors.Is(err, api.ErrGone) {
		t.Errorf("call on a stopped plugin: %v", err)
	}
	left, _ := os.ReadDir(filepath.Join(r.dir, "s"))
	if len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	if !strings.Contains(r.log.String(), "closed in good order") {
		t.Error("the plugin was not closed in good order")
	}
}

func TestKilledPluginComesBack(t *testing.T) {
	r := newRig(t, Plugin{Name: "good"}, nil)
	for range 3 {
		c, pid := r.up(t)
		r.ups.Store(0)
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		if err := r.down(t); !strings.Contains(err.Error(), "killed") {
			t.Errorf("reason: %v", err)
		}
		if _, err := c.Info(t.Context()); !errors.Is(err, api.ErrGone) {
			t.Errorf("call on a dead plugin: %v", err)
		}
	}
	r.up(t)
}

func TestHungPluginIsReplaced(t *testing.T) {
	r := newRig(t, Plugin{Name: "good"}, nil)
	_, pid := r.up(t)
	r.ups.Store(0)
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if err := r.down(t); !errors.Is(err, api.ErrGone) {
		t.Errorf("reason: %v", err)
	}
	if alive(pid) {
		t.Error("the hung process lives")
	}
	r.up(t)
}

func TestRestart(t *testing.T) {
	r := newRig(t, Plugin{Name: "good"}, nil)
	_, pid := r.up(t)
	r.ups.Store(0)
	r.s.Restart("it lies")
	if err := r.down(t); !strings.Contains(err.Error(), "it lies") {
		t.Errorf("reason: %v", err)
	}
	if _, next := r.up(t); next == pid {
		t.Error("same process")
	}
}

func TestWrongVersionIsNotRepeated(t *testing.T) {
	r := newRig(t, Plugin{Name: "future"}, nil)
	err := r.wait(t)
	if !errors.Is(err, ErrVersion) || !strings.Contains(err.Error(), "future") {
		t.Errorf("Serve: %v", err)
	}
	if n := len(r.downs); n != 1 {
		t.Errorf("%d starts", n)
	}
}

func TestPluginThatDiesAtStart(t *testing.T) {
	r := newRig(t, Plugin{Name: "stillborn"}, nil)
	for range 3 {
		if err := r.down(t); err == nil {
			t.Error("no reason")
		}
	}
	if !strings.Contains(r.log.String(), "cannot open my library") {
		t.Error("its last words are not in the log")
	}
}

func TestSlowStartDoesNotHoldUpTheEnd(t *testing.T) {
	r := newRig(t, Plugin{Name: "silent"}, nil)
	until(t, "the process of the plugin", func() bool { return strings.Contains(r.log.String(), "thinking") })
	r.stop()
	if err := r.wait(t); err != nil {
		t.Errorf("Serve: %v", err)
	}
}

func TestFloodingPlugin(t *testing.T) {
	r := newRig(t, Plugin{Name: "good"}, nil)
	c, _ := r.up(t)
	if err := c.Publish(t.Context(), []byte("flood")); err != nil {
		t.Fatal(err)
	}
	// The bucket refills, and the next line tells of the lost ones.
	until(t, "word of dropped lines", func() bool {
		_ = c.Publish(t.Context(), []byte("say hello"))
		return strings.Contains(r.log.String(), "lines dropped")
	})
	if n := len(r.log.String()); n > 4<<20 {
		t.Errorf("%d bytes of log", n)
	}
	for line := range strings.Lines(r.log.String()) {
		if len(line) > 2*maxMessage {
			t.Fatalf("a line of %d bytes", len(line))
		}
	}
	if len(r.downs) != 0 {
		t.Errorf("the plugin went down: %v", <-r.downs)
	}
}

func TestNastyLines(t *testing.T) {
	r := newRig(t, Plugin{Name: "good"}, nil)
	c, _ := r.up(t)
	for _, line := range []string{`{"@message":1}`, `{"@level":{},"@message":"x","@timestamp":5}`, `[1`, `{`} {
		if err := c.Publish(t.Context(), []byte("raw "+line)); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Publish(t.Context(), []byte(`raw {"@level":"warn","@message":"mind the gap","k":"v"}`)); err != nil {
		t.Fatal(err)
	}
	until(t, "the warning", func() bool {
		s := r.log.String()
		return strings.Contains(s, "level=warning msg=\"mind the gap\" k=v plugin=good")
	})
}

// copySelf makes a third-party plugin: this executable under another path.
func copySelf(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(shortTempDir(t), "other")
	if err := os.WriteFile(path, raw, 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestThirdPartyExecutable(t *testing.T) {
	path := copySelf(t)
	sum, err := Checksum(path)
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, Plugin{Name: "other", Path: path, Args: []string{"plugin", "good"}}, func(c *Config) {
		c.Checksums = map[string]string{path: sum}
	})
	_, pid := r.up(t)
	// Replaced under its feet, as a package manager does.
	if err := os.Rename(path, path+".old"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("#!/bin/sh\ntouch "+path+".ran\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	_ = syscall.Kill(pid, syscall.SIGKILL)
	if err := r.wait(t); !errors.Is(err, ErrChanged) {
		t.Errorf("Serve: %v", err)
	}
	if _, err := os.Stat(path + ".ran"); err == nil {
		t.Error("the foreign executable was run")
	}
}

func TestUnrecordedExecutable(t *testing.T) {
	r := newRig(t, Plugin{Name: "other", Path: copySelf(t)}, nil)
	if err := r.wait(t); !errors.Is(err, ErrUnrecorded) {
		t.Errorf("Serve: %v", err)
	}
}

// When the host dies, its plugins do too: one that runs by its lifeline or
// death signal, one that is stopped by the death signal alone.
func TestDeathOfTheHost(t *testing.T) {
	dir := shortTempDir(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	host := exec.Command(self, "host", dir)
	out, err := host.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := host.Start(); err != nil {
		t.Fatal(err)
	}
	words := make([]byte, 64)
	n, _ := out.Read(words)
	var pids []int
	for _, f := range strings.Fields(string(words[:n])) {
		pid, _ := strconv.Atoi(f)
		pids = append(pids, pid)
		t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGKILL) })
	}
	if len(pids) != 3 {
		_ = host.Process.Kill()
		t.Fatalf("the host told %q", words[:n])
	}
	if err := syscall.Kill(pids[1], syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	_ = host.Process.Kill()
	_ = host.Wait()
	for i, pid := range pids {
		until(t, "end of orphan "+strconv.Itoa(i), func() bool { return !alive(pid) })
	}
	if _, err := os.Stat(filepath.Join(dir, "tidied")); err != nil {
		t.Error("the plugin that takes SIGTERM was not closed in good order")
	}
}

func TestSocketPathTooLong(t *testing.T) {
	_, err := New(Config{Log: logrus.New(), SocketDir: "/tmp/" + strings.Repeat("x", 80)})
	if err == nil || !strings.Contains(err.Error(), "SAFEVAR") {
		t.Errorf("%v", err)
	}
}

func TestAProcessThatDoesNotDie(t *testing.T) {
	h, err := New(config(t, shortTempDir(t), io.Discard))
	if err != nil {
		t.Fatal(err)
	}
	s := h.Heartbeat(Plugin{Name: "stuck"}, Events[api.Heartbeat]{})
	never := make(chan struct{})
	defer close(never)
	if err := s.end(func() { <-never }, time.Millisecond); !errors.Is(err, ErrUndead) || !strings.Contains(err.Error(), "stuck") {
		t.Errorf("%v", err)
	}
	if err := s.end(func() {}, patience); err != nil {
		t.Errorf("%v", err)
	}
}
