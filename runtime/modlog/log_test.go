package modlog

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/safehold/safehold/runtime/ha"
)

// writerEnv makes the test binary a process that appends lines to a log:
// path, name, count.
const writerEnv = "MODLOG_TEST_WRITER"

func TestMain(m *testing.M) {
	if arg := os.Getenv(writerEnv); arg != "" {
		if err := writeLines(strings.Fields(arg)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func writeLines(arg []string) error {
	var count int
	if _, err := fmt.Sscan(arg[2], &count); err != nil {
		return err
	}
	l, err := Open(arg[0], "kvm1", Options{MaxSize: 64 << 10, Keep: 50, Journal: "/nonexistent"})
	if err != nil {
		return err
	}
	for i := range count {
		if err := l.Append(time.Now(), arg[1], ha.Event, fmt.Sprintf("line %d", i)); err != nil {
			return err
		}
		if i%10 == 9 {
			if err := l.Sync(); err != nil {
				return err
			}
		}
	}
	return l.Close()
}

func open(t *testing.T, o Options) (*Log, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "log")
	if o.Journal == "" {
		o.Journal = "/nonexistent"
	}
	l, err := Open(path, "kvm1", o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l, path
}

func say(t *testing.T, l *Log, level ha.Level, text string) {
	t.Helper()
	if err := l.Append(noon, "heart", level, text); err != nil {
		t.Fatal(err)
	}
}

func texts(lines []Line) string {
	var out []string
	for _, l := range lines {
		out = append(out, l.Text)
	}
	return strings.Join(out, " ")
}

func TestTail(t *testing.T) {
	l, path := open(t, Options{})
	if got, err := Tail(path, 10, true); err != nil || len(got) != 0 {
		t.Errorf("%v, %v", got, err)
	}
	for i, level := range []byte("CEUSIWD") {
		say(t, l, ha.Level(level), fmt.Sprint(i))
	}
	if err := l.Sync(); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		n    int
		all  bool
		want string
	}{{0, true, "0 1 2 3 4 5 6"}, {0, false, "0 1 2 3"}, {2, true, "5 6"}, {3, false, "1 2 3"}, {100, true, "0 1 2 3 4 5 6"}} {
		if got, err := Tail(path, tc.n, tc.all); err != nil || texts(got) != tc.want {
			t.Errorf("Tail(%d, %v) = %s, %v", tc.n, tc.all, texts(got), err)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if got, err := Tail(filepath.Join(t.TempDir(), "none"), 5, true); err != nil || len(got) != 0 {
		t.Errorf("no log: %v, %v", got, err)
	}
}

func TestRotationKeepsTheNewest(t *testing.T) {
	l, path := open(t, Options{MaxSize: 4 << 10, Keep: 2})
	for i := range 500 {
		say(t, l, ha.Event, fmt.Sprintf("line-%04d", i))
		if err := l.Sync(); err != nil {
			t.Fatal(err)
		}
	}
	got, err := Tail(path, 0, true)
	if err != nil || len(got) < 60 || len(got) > 300 {
		t.Fatalf("%d lines, %v", len(got), err)
	}
	for i, line := range got {
		if want := fmt.Sprintf("line-%04d", 500-len(got)+i); line.Text != want {
			t.Fatalf("line %d is %s, want %s", i, line.Text, want)
		}
	}
	last, err := Tail(path, 50, true)
	if err != nil || len(last) != 50 || last[0].Text != "line-0450" {
		t.Errorf("%d lines from %v, %v", len(last), last[0], err)
	}
	if _, err := os.Stat(path + ".3"); err == nil {
		t.Error("a third older file is kept")
	}
}

// TestManyProcesses appends from several processes through many rotations:
// every line must be there, whole, each process's in its order.
func TestManyProcesses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	const writers, count = 3, 2000
	var procs []*exec.Cmd
	for w := range writers {
		c := exec.Command(os.Args[0])
		c.Env = append(os.Environ(), fmt.Sprintf("%s=%s w%d %d", writerEnv, path, w, count))
		c.Stderr = os.Stderr
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		procs = append(procs, c)
	}
	for _, c := range procs {
		if err := c.Wait(); err != nil {
			t.Error(err)
		}
	}
	lines, err := Tail(path, 0, true)
	if err != nil {
		t.Fatal(err)
	}
	next := map[string]int{}
	for _, l := range lines {
		if want := fmt.Sprintf("line %d", next[l.Origin]); l.Text != want {
			t.Fatalf("%s: %q, want %q", l.Origin, l.Text, want)
		}
		next[l.Origin]++
	}
	if len(next) != writers || len(lines) != writers*count {
		t.Errorf("%d lines of %d: %v", len(lines), writers*count, next)
	}
	if _, err := os.Stat(path + ".1"); err != nil {
		t.Errorf("no rotation happened: %v", err)
	}
}

func TestTornLineIsEnded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, []byte(NewLine(noon, "a", ha.Event, "whole").String()+"\n| 2026-01-31 12:0"), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := Open(path, "kvm1", Options{Journal: "/nonexistent"})
	if err != nil {
		t.Fatal(err)
	}
	say(t, l, ha.Event, "next")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := Tail(path, 0, true); err != nil || texts(got) != "whole next" {
		t.Errorf("%s, %v", texts(got), err)
	}
	if err := l.Append(noon, "a", ha.Event, "late"); !errors.Is(err, ErrClosed) {
		t.Errorf("append after close: %v", err)
	}
}

// TestStuckDiskBoundsMemory has a writer that never writes: appending must go
// on, and lose lines beyond the buffer instead of keeping them.
func TestStuckDiskBoundsMemory(t *testing.T) {
	a := &appender{file: &rotating{}, limit: 64 << 10}
	a.wake = sync.NewCond(&a.mu)
	var lost int
	for range 10_000 {
		if err := a.append(record{text: strings.Repeat("x", 100)}); err != nil {
			lost++
		}
	}
	if a.bytes > 64<<10 || len(a.queue) > 1000 || lost < 9000 {
		t.Errorf("%d bytes in %d lines wait, %d lost", a.bytes, len(a.queue), lost)
	}
}

func TestFullDiskIsReportedAndCounted(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Fatalf("mount a small tmpfs (needs root): %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	path := filepath.Join(dir, "log")
	l, err := Open(path, "kvm1", Options{Journal: "/nonexistent"})
	if err != nil {
		t.Fatal(err)
	}
	filler := filepath.Join(dir, "filler")
	if err := os.WriteFile(filler, make([]byte, 128<<10), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("the disk is not full: %v", err)
	}
	for range 200 { // beyond what is left of the log's last page
		if err = l.Append(noon, "heart", ha.Event, strings.Repeat("x", 100)); err == nil {
			err = l.Sync()
		}
		if err != nil {
			break
		}
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("full disk: %v", err)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	say(t, l, ha.Event, "again")
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	got, err := Tail(path, 2, true)
	if err != nil || len(got) != 2 || !strings.Contains(got[0].Text, "1 log lines are lost") || got[1].Text != "again" {
		t.Errorf("%v, %v", got, err)
	}
}

func TestJournal(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "journal")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	l, _ := open(t, Options{Journal: socket})
	for _, level := range []byte("CEUSIWD") {
		say(t, l, ha.Level(level), "text "+string(rune(level)))
	}
	if err := conn.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"2 C", "5 E", "5 U", "6 S"} {
		buf := make([]byte, 1024)
		n, err := conn.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		full := fmt.Sprintf("PRIORITY=%s\nSYSLOG_IDENTIFIER=safekit\nMESSAGE=kvm1 | heart | text %s\n", want[:1], want[2:])
		if string(buf[:n]) != full {
			t.Errorf("message %d: %q, want %q", i, buf[:n], full)
		}
	}
}

func TestHook(t *testing.T) {
	l, path := open(t, Options{})
	log := logrus.New()
	log.SetOutput(io.Discard)
	log.SetLevel(logrus.TraceLevel)
	log.AddHook(Hook{Log: l, Origin: "safekit"})
	log.WithFields(logrus.Fields{"origin": "heart", "level": ha.Event}).Info("Local state ALONE Ready")
	log.WithFields(logrus.Fields{"level": "U"}).Info("Action start called by root")
	log.WithFields(logrus.Fields{"level": "?", "took": "1 s", "b": 2}).Warn("slow")
	log.WithError(errors.New("bad")).Error("no")
	log.Debug("probe")
	if err := l.Sync(); err != nil {
		t.Fatal(err)
	}
	got, err := Tail(path, 0, true)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, g := range got {
		_, rest, _ := strings.Cut(g.String()[2:], "| ")
		lines = append(lines, rest)
	}
	want := `heart | E | Local state ALONE Ready
safekit | U | Action start called by root
safekit | W | slow b=2 took="1 s"
safekit | C | no error=bad
safekit | D | probe`
	if s := strings.Join(lines, "\n"); s != want {
		t.Errorf("got\n%s\nwant\n%s", s, want)
	}
}

func TestCommands(t *testing.T) {
	path := filepath.Join(t.TempDir(), "commands.log")
	c, err := OpenCommands(path, Options{Journal: "/nonexistent"})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(c.Start(noon, "mirror", 42, "prim -m mirror -u admin@10.0.0.103"), c.Cluster(noon, "update cluster state"), c.End(noon, 42, 1)); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	want := `| 2026-01-31 12:00:00.123456 | safekit | mirror | 42 | START | prim -m mirror -u admin@10.0.0.103
| 2026-01-31 12:00:00.123456 | cluster |  | 0 | I | update cluster state
| 2026-01-31 12:00:00.123456 |  |  | 42 | END | 1
`
	if err != nil || string(raw) != want {
		t.Errorf("got\n%s\nwant\n%s%v", raw, want, err)
	}
	lines, err := TailCommands(path, 2)
	if err != nil || len(lines) != 2 || lines[1].Kind != KindEnd || lines[1].PID != 42 || lines[0].Type != TypeCluster {
		t.Errorf("%+v, %v", lines, err)
	}
}

func BenchmarkAppend(b *testing.B) {
	l, err := Open(filepath.Join(b.TempDir(), "log"), "kvm1", Options{Journal: "/nonexistent"})
	if err != nil {
		b.Fatal(err)
	}
	lost := 0
	for b.Loop() {
		if l.Append(noon, "heart", ha.Event, "Resource tcp.web set to down by tcpcheck") != nil {
			lost++
		}
	}
	b.ReportMetric(float64(lost)/float64(b.N), "lost/op")
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
}
