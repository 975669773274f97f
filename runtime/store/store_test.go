package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

type fact struct {
	Name string `json:"name"`
	N    int    `json:"n"`
}

func TestSaveAndLoad(t *testing.T) {
	dir := t.TempDir()
	f := Open[fact](filepath.Join(dir, "fact"))
	if _, err := f.Load(); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("load of nothing: %v", err)
	}
	for n := range 3 {
		if err := f.Save(fact{"a", n}); err != nil {
			t.Fatal(err)
		}
		if got, err := f.Load(); err != nil || got != (fact{"a", n}) {
			t.Fatalf("%v, %v", got, err)
		}
	}
	if got, err := f.LoadBackup(); err != nil || got.N != 1 {
		t.Errorf("backup: %v, %v", got, err)
	}
	list, err := os.ReadDir(dir)
	if err != nil || len(list) != 2 {
		t.Errorf("files left: %v, %v", list, err)
	}
	info, err := os.Stat(f.Path())
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if err := f.Remove(); err != nil {
		t.Error(err)
	}
	if _, err := f.Load(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("load after remove: %v", err)
	}
}

// TestEveryTruncationIsNoticed cuts the file at each length and flips each byte.
func TestEveryTruncationIsNoticed(t *testing.T) {
	f := Open[fact](filepath.Join(t.TempDir(), "fact"))
	for _, v := range []fact{{"old", 1}, {"new", 2}} {
		if err := f.Save(v); err != nil {
			t.Fatal(err)
		}
	}
	whole, err := os.ReadFile(f.Path())
	if err != nil {
		t.Fatal(err)
	}
	damaged := func(raw []byte, what string) {
		t.Helper()
		if err := os.WriteFile(f.Path(), raw, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := f.Load()
		var corrupt *CorruptError
		if !errors.As(err, &corrupt) || !corrupt.Backup || got != (fact{}) || !strings.Contains(err.Error(), f.Path()+".bak") {
			t.Fatalf("%s: %v, %v", what, got, err)
		}
	}
	for n := range whole {
		damaged(whole[:n], "truncated")
		flipped := append([]byte(nil), whole...)
		flipped[n] ^= 0x20
		damaged(flipped, "flipped")
	}
	damaged(append(append([]byte(nil), whole...), ' '), "extended")
	damaged(make([]byte, len(whole)), "zeroed")

	// A damaged value does not displace the sound backup, and Save repairs.
	if err := f.Save(fact{"repaired", 3}); err != nil {
		t.Fatal(err)
	}
	if got, err := f.Load(); err != nil || got.N != 3 {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := f.LoadBackup(); err != nil || got.N != 1 {
		t.Errorf("backup: %v, %v", got, err)
	}
}

func TestDisappearedIsNotNew(t *testing.T) {
	f := Open[fact](filepath.Join(t.TempDir(), "fact"))
	for n := range 2 {
		if err := f.Save(fact{"a", n}); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(f.Path()); err != nil {
		t.Fatal(err)
	}
	var corrupt *CorruptError
	if _, err := f.Load(); !errors.As(err, &corrupt) || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("load: %v", err)
	}
}

func TestFullDiskKeepsTheOldValue(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=128k"); err != nil {
		t.Fatalf("mount a small tmpfs (needs root): %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	f := Open[fact](filepath.Join(dir, "fact"))
	if err := f.Save(fact{"kept", 1}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		err := f.Save(fact{strings.Repeat("x", 256<<10), 2})
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("save on a full disk: %v", err)
		}
		if got, err := f.Load(); err != nil || got != (fact{"kept", 1}) {
			t.Fatalf("%v, %v", got, err)
		}
	}
	if err := f.Save(fact{"small again", 3}); err != nil {
		t.Errorf("the failed writes still fill the disk: %v", err)
	}
}

func TestRefusals(t *testing.T) {
	if err := Open[fact](filepath.Join(t.TempDir(), "no", "such")).Save(fact{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("save into nowhere: %v", err)
	}
	f := Open[any](filepath.Join(t.TempDir(), "f"))
	if err := f.Save(strings.Repeat("x", MaxSize)); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("huge value: %v", err)
	}
	if err := f.Save(func() {}); err == nil {
		t.Error("a function was saved")
	}
}

func FuzzDecode(f *testing.F) {
	raw, err := encode(fact{"a", 1})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte(header))
	f.Add([]byte("\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var v fact
		if decode(raw, &v) != nil {
			return
		}
		again, err := encode(v)
		if err != nil {
			t.Fatal(err)
		}
		var w fact
		if err := decode(again, &w); err != nil || w != v {
			t.Fatalf("%v, %v", w, err)
		}
	})
}
