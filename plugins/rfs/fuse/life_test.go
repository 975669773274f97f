package fuse_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/safehold/safehold/plugins/rfs/fuse"
)

// childEnv makes the test binary a server of the directory it names.
const childEnv = "FUSE_TEST_SERVE"

func childServe(dir string) {
	fs, err := newLoopback(dir)
	if err != nil {
		panic(err)
	}
	conn, err := fuse.Mount(context.Background(), dir, fuse.Options{})
	if err != nil {
		panic(err)
	}
	if err := conn.Serve(context.Background(), fs); err != nil {
		panic(err)
	}
}

func health(t *testing.T, dir string) fuse.Health {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	h, err := fuse.DetectStale(ctx, dir)
	must(t, err)
	return h
}

func TestKilledServerIsDetected(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "kept"), []byte("data"), 0o600))
	child := exec.Command("/proc/self/exe")
	child.Env = append(os.Environ(), childEnv+"="+dir)
	child.Stderr = os.Stderr
	must(t, child.Start())
	t.Cleanup(func() { _ = child.Process.Kill(); _ = child.Wait(); _, _ = fuse.Detach(dir) })

	until(t, "child mounts", func() bool { return health(t, dir) == fuse.Alive })
	if _, err := fuse.Mount(t.Context(), dir, fuse.Options{}); !errors.Is(err, fuse.ErrMounted) {
		t.Fatalf("mount over a live mount: %v, want ErrMounted", err)
	}
	f, err := os.Open(filepath.Join(dir, "kept"))
	must(t, err)
	defer f.Close()

	must(t, child.Process.Kill())
	_ = child.Wait()
	until(t, "mount is dead", func() bool { return health(t, dir) == fuse.Dead })
	if err := os.Mkdir(filepath.Join(dir, "new"), 0o700); !errors.Is(err, unix.ENOTCONN) {
		t.Fatalf("mkdir below a dead mount: %v, want ENOTCONN", err)
	}
	n, err := fuse.Detach(dir)
	must(t, err)
	if n != 1 {
		t.Fatalf("detached %d mounts, want 1", n)
	}
	if h := health(t, dir); h != fuse.NotMounted {
		t.Fatalf("health after detach: %v", h)
	}
	b, err := os.ReadFile(filepath.Join(dir, "kept"))
	must(t, err)
	if string(b) != "data" {
		t.Fatalf("file under the mount: %q", b)
	}
}

func TestUnresponsiveServer(t *testing.T) {
	dir := t.TempDir()
	conn, err := fuse.Mount(t.Context(), dir, fuse.Options{})
	must(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	h, err := fuse.DetectStale(ctx, dir)
	must(t, err)
	if h != fuse.Unresponsive {
		t.Fatalf("health of a mount nobody serves: %v", h)
	}
	must(t, conn.Abort())
	if h := health(t, dir); h != fuse.NotMounted {
		t.Fatalf("health after abort: %v", h)
	}
}

func TestUnmountWhileBusy(t *testing.T) {
	r := mount(t, fuse.Options{})
	f, err := os.Create(r.path("open"))
	must(t, err)
	if err := r.conn.Unmount(); !errors.Is(err, fuse.ErrBusy) {
		t.Fatalf("unmount while a file is open: %v, want ErrBusy", err)
	}
	must(t, r.conn.UnmountLazy())
	_, err = f.WriteString("still works")
	must(t, err)
	must(t, f.Close())
	must(t, r.wait(t))
	b, err := os.ReadFile(r.path("open"))
	must(t, err)
	if string(b) != "still works" {
		t.Fatalf("file after lazy unmount: %q", b)
	}
	if err := r.conn.Unmount(); !errors.Is(err, fuse.ErrNotMounted) {
		t.Fatalf("second unmount: %v, want ErrNotMounted", err)
	}
}

func TestCleanUnmountWritesDirtyPages(t *testing.T) {
	r := mount(t, fuse.Options{WritebackCache: true})
	must(t, os.WriteFile(r.path("f"), []byte("dirty"), 0o600))
	until(t, "unmount", func() bool { return r.conn.Unmount() == nil })
	must(t, r.wait(t))
	b, err := os.ReadFile(r.path("f"))
	must(t, err)
	if string(b) != "dirty" {
		t.Fatalf("file after unmount: %q", b)
	}
}

func TestAbortFailsWhatIsUnanswered(t *testing.T) {
	taken := make(chan fuse.WriteRequest, 1)
	r := mountWith(t, fuse.Options{}, func(l *loopback) {
		l.onWrite = func(w fuse.WriteRequest) bool { taken <- w; return true }
	})
	f, err := os.Create(r.path("f"))
	must(t, err)
	defer f.Close()
	wrote := make(chan error, 1)
	go func() { _, err := f.WriteString("x"); wrote <- err }()
	w := <-taken
	must(t, r.conn.Abort())
	if err := <-wrote; err == nil {
		t.Fatal("an aborted write succeeded")
	}
	if err := r.wait(t); !errors.Is(err, fuse.ErrAborted) {
		t.Fatalf("serve: %v, want ErrAborted", err)
	}
	if err := w.Reply(1); !errors.Is(err, fuse.ErrGone) {
		t.Fatalf("late answer: %v, want ErrGone", err)
	}
}

func TestReadOnlyAndRemount(t *testing.T) {
	r := mount(t, fuse.Options{ReadOnly: true})
	if err := os.WriteFile(r.path("f"), nil, 0o600); !errors.Is(err, unix.EROFS) {
		t.Fatalf("write to a read-only mount: %v, want EROFS", err)
	}
	must(t, r.conn.Remount(false))
	f, err := os.Create(r.path("f"))
	must(t, err)
	if err := r.conn.Remount(true); !errors.Is(err, fuse.ErrBusy) {
		t.Fatalf("remount read-only with an open writer: %v, want ErrBusy", err)
	}
	must(t, f.Close())
	until(t, "remount read-only", func() bool { return r.conn.Remount(true) == nil })
	if err := os.WriteFile(r.path("g"), nil, 0o600); !errors.Is(err, unix.EROFS) {
		t.Fatalf("write after remount: %v, want EROFS", err)
	}
}

func TestServeEndsWithContextAndAnotherGoesOn(t *testing.T) {
	dir := t.TempDir()
	fs, err := newLoopback(dir)
	must(t, err)
	defer fs.close()
	first, err := fuse.Mount(t.Context(), dir, fuse.Options{Readers: 3})
	must(t, err)
	t.Cleanup(func() { _, _ = fuse.Detach(dir) })

	taken := make(chan fuse.WriteRequest, 8)
	fs.onWrite = func(w fuse.WriteRequest) bool { taken <- w; return true }
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan error, 1)
	go func() { done <- first.Serve(ctx, fs) }()

	must(t, unix.Mknod(filepath.Join(dir, "f"), unix.S_IFREG|0o600, 0))
	must(t, fuse.SettlePoll(filepath.Join(dir, "f")))
	f, err := os.OpenFile(filepath.Join(dir, "f"), os.O_RDWR, 0)
	must(t, err)
	defer f.Close()
	wrote := make(chan error, 1)
	go func() { _, err := f.WriteString("handed over"); wrote <- err }()
	<-taken // read by the first server, never answered by it

	why := errors.New("upgrade")
	cancel(why)
	if err := <-done; !errors.Is(err, why) {
		t.Fatalf("serve: %v, want the cause", err)
	}
	state, err := json.Marshal(first.State())
	must(t, err)
	file, err := first.File()
	must(t, err)
	defer file.Close()

	var st fuse.State
	must(t, json.Unmarshal(state, &st))
	second, err := fuse.Attach(file, st, fuse.Options{})
	must(t, err)
	must(t, first.Close())
	must(t, second.Resend())
	fs.onWrite = nil
	go func() { done <- second.Serve(context.Background(), fs) }()
	must(t, <-wrote)
	b, err := os.ReadFile(filepath.Join(dir, "f"))
	must(t, err)
	if string(b) != "handed over" {
		t.Fatalf("file: %q", b)
	}
	must(t, f.Close())
	until(t, "unmount", func() bool { return second.Unmount() == nil })
	must(t, <-done)
	must(t, second.Close())
}

func TestMountRefusals(t *testing.T) {
	dir := t.TempDir()
	other, err := os.Open(t.TempDir())
	must(t, err)
	defer other.Close()
	file := filepath.Join(dir, "file")
	must(t, os.WriteFile(file, nil, 0o600))
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		name, path string
		ctx        context.Context
		o          fuse.Options
	}{
		{"another directory is held", dir, t.Context(), fuse.Options{Dir: other}},
		{"not a directory", file, t.Context(), fuse.Options{}},
		{"no such path", filepath.Join(dir, "none"), t.Context(), fuse.Options{}},
		{"odd size", dir, t.Context(), fuse.Options{MaxWrite: 5000}},
		{"context over", dir, gone, fuse.Options{}},
	} {
		if conn, err := fuse.Mount(c.ctx, c.path, c.o); err == nil {
			_ = conn.Abort()
			t.Errorf("%s: mounted", c.name)
		}
	}
	if h := health(t, dir); h != fuse.NotMounted {
		t.Fatalf("after refusals: %v", h)
	}
}
