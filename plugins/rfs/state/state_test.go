package state

import (
	"errors"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/safehold/safehold/runtime/ha"
)

func TestSaveLoadAndDamage(t *testing.T) {
	f := In(t.TempDir())
	if _, err := f.Load(); !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	want := Record{Version: version, Module: "m", Trees: map[string]string{"/d": "x"}, History: ha.History{Current: ha.Generation{1}}, Consistent: true, Epoch: 4}
	if err := f.Save(want); err != nil {
		t.Fatal(err)
	}
	got, err := f.Load()
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Fatal(d)
	}
	b, _ := os.ReadFile(f.path)
	for i := range b {
		bad := append([]byte(nil), b...)
		bad[i] ^= 1
		if err := os.WriteFile(f.path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if r, err := f.Load(); err == nil && !cmp.Equal(r, want) {
			t.Fatalf("byte %d changed and the record differs without an error", i)
		}
	}
}
