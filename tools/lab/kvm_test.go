package lab

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestKVM plays the demonstration with a real virtual machine on the built
// product: with the configuration of kvm.safe and with that of older tutorials.
func TestKVM(t *testing.T) {
	product, err := filepath.Abs("../../build")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"safekit", "lab", "kvm.safe"} {
		if _, err := os.Stat(filepath.Join(product, name)); err != nil {
			t.Fatalf("this test runs the built product: %v; run make build first", err)
		}
	}
	for name, o := range map[string]KVMOptions{"kvm.safe": {}, "tutorial": {Tutorial: true}} {
		t.Run(name, func(t *testing.T) {
			l, err := New(t.Context(), Options{Dir: filepath.Join(t.TempDir(), "lab"), ID: "kvmtest", Product: product})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := l.Close(context.Background()); err != nil {
					t.Errorf("close: %v", err)
				}
			})
			story := NewStory(t.Output(), time.Now)
			if err := DemoKVM(o)(t.Context(), l, story); err != nil {
				t.Fatal(err)
			}
			story.Table()
		})
	}
}
