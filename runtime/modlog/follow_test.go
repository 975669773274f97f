package modlog

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/safehold/safehold/runtime/ha"
)

// follow runs Follow and gives its lines; the test must read them.
func follow(t *testing.T, path string, n int, all bool) <-chan Line {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	lines, done := make(chan Line, 100_000), make(chan error, 1)
	go func() {
		done <- Follow(ctx, path, n, all, func(l Line) error {
			lines <- l
			return nil
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return lines
}

func expect(t *testing.T, lines <-chan Line, want string) {
	t.Helper()
	select {
	case l := <-lines:
		if l.Text != want {
			t.Fatalf("got %q, want %q", l.Text, want)
		}
	case <-time.After(60 * time.Second):
		t.Fatalf("no line, want %q", want)
	}
}

func TestFollow(t *testing.T) {
	l, path := open(t, Options{})
	for i := range 5 {
		say(t, l, ha.Event, fmt.Sprint(i))
		say(t, l, ha.Debug, "hidden")
	}
	if err := l.Sync(); err != nil {
		t.Fatal(err)
	}
	lines := follow(t, path, 2, false)
	expect(t, lines, "3")
	expect(t, lines, "4")
	say(t, l, ha.Event, "new")
	expect(t, lines, "new")
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	say(t, l, ha.Event, "after rotation")
	expect(t, lines, "after rotation")
}

func TestFollowALogThatIsNotThereYet(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	lines := follow(t, path, 10, true)
	l, err := Open(path, "kvm1", Options{Journal: "/nonexistent"})
	if err != nil {
		t.Fatal(err)
	}
	say(t, l, ha.Event, "first")
	expect(t, lines, "first")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestFollowThroughFastRotation rotates many times between two polls.
func TestFollowThroughFastRotation(t *testing.T) {
	l, path := open(t, Options{MaxSize: 2 << 10, Keep: 200})
	say(t, l, ha.Event, "begin")
	if err := l.Sync(); err != nil {
		t.Fatal(err)
	}
	lines := follow(t, path, 1, true)
	expect(t, lines, "begin")
	for i := range 3000 {
		say(t, l, ha.Event, fmt.Sprint("line ", i))
		if i%5 == 0 {
			if err := l.Sync(); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i := range 3000 {
		expect(t, lines, fmt.Sprint("line ", i))
	}
}

func TestFollowEndsWithItsReader(t *testing.T) {
	l, path := open(t, Options{})
	say(t, l, ha.Event, "x")
	if err := l.Sync(); err != nil {
		t.Fatal(err)
	}
	gone := errors.New("reader is gone")
	if err := Follow(t.Context(), path, 1, true, func(Line) error { return gone }); !errors.Is(err, gone) {
		t.Errorf("%v", err)
	}
}
