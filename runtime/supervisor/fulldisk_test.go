package supervisor

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/safehold/safehold/runtime/ha"
)

// TestFullDisk: a supervisor that cannot write down what it must remember ends
// instead of going on with promises it cannot keep; with room again it works.
func TestFullDisk(t *testing.T) {
	r := newRig(t, plain, nil)
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	dir := r.tree.UserVar("app")
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=1m,mode=0700"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	r.serve()
	ballast := filepath.Join(dir, "ballast")
	if err := fill(ballast); err != nil {
		t.Fatal(err)
	}
	_ = r.command(ha.VerbStart, "") // answered or not, the supervisor is to end
	r.eventually("the supervisor ends", func() bool { return r.command(ha.VerbStart, "") != nil })
	if err := r.stop(); err == nil || !strings.Contains(err.Error(), "cannot be written") {
		t.Errorf("the supervisor ended with %v", err)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	r.serve()
	if err := r.command(ha.VerbStart, ""); err != nil {
		t.Fatal(err)
	}
	r.reach(ha.Up)
}

// fill writes until the file system is full.
func fill(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	block := make([]byte, 4096)
	for {
		if _, err := f.Write(block); err != nil {
			return nil // full, which is what was wanted
		}
	}
}
