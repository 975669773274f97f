package lab

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMain(m *testing.M) {
	Main()
	os.Exit(m.Run())
}

// TestPowerCutLosesWhatWasNotSynced shows that the lab's power cut is one: a
// synced file is there afterwards, one that was only written is not.
func TestPowerCutLosesWhatWasNotSynced(t *testing.T) {
	ctx := t.Context()
	product := t.TempDir()
	for _, name := range []string{"safekit", "lab"} {
		if err := os.WriteFile(filepath.Join(product, name), []byte("#!/bin/sh\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	l, err := New(ctx, Options{Dir: filepath.Join(t.TempDir(), "lab"), ID: "labtest", Product: product})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(context.Background()); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	n1, n2 := l.Nodes[0], l.Nodes[1]
	ping := func(want bool) {
		t.Helper()
		_, err := n1.Run(ctx, "ping", "-c1", "-W2", Office.Addr(2).String())
		if (err == nil) != want {
			t.Errorf("node1 reaches node2: %v, want %v", err, want)
		}
	}
	ping(true)
	if err := n2.Cut(ctx, Office); err != nil {
		t.Fatal(err)
	}
	ping(false)
	if err := n2.Heal(ctx, Office); err != nil {
		t.Fatal(err)
	}
	ping(true)
	if out, err := n1.Run(ctx, "sh", "-c", "echo kept >/srv/synced && sync && echo lost >/srv/unsynced && cat /srv/unsynced && hostname"); err != nil || !strings.Contains(out, "node1") {
		t.Fatalf("%s %v", out, err)
	}
	if err := n1.PowerCut(ctx); err != nil {
		t.Fatal(err)
	}
	if err := n1.PowerOn(ctx); err != nil {
		t.Fatal(err)
	}
	out, err := n1.Run(ctx, "sh", "-c", "cat /srv/synced; cat /srv/unsynced 2>/dev/null || true")
	if err != nil || strings.TrimSpace(out) != "kept" {
		t.Errorf("after the power cut: %q, %v; want only what was synced", out, err)
	}
	ping(true)
}

// TestHalfMadeLab: a lab that cannot be made leaves nothing and says why.
func TestHalfMadeLab(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "lab")
	l, err := New(t.Context(), Options{Dir: dir, ID: "no/such", Product: t.TempDir()})
	if err == nil || l != nil {
		t.Fatalf("made a lab with an impossible name: %v", l)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("its folder is left: %v", err)
	}
}
