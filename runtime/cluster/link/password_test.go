package link

import (
	"os"
	"path/filepath"
	"testing"
)

func TestPasswordFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "rcmdadmin")
	if _, ok, err := LoadPassword(file); ok || err != nil {
		t.Errorf("no file: %v, %v", ok, err)
	}
	if err := SavePassword(file, ""); err == nil {
		t.Error("empty password accepted")
	}
	if err := SavePassword(file, "correct horse"); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	k, ok, err := LoadPassword(file)
	if !ok || err != nil || k != KeyOfPassword("correct horse") || k == KeyOfPassword("Correct horse") {
		t.Errorf("%v, %v", ok, err)
	}
	if err := os.WriteFile(file, []byte("12"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := LoadPassword(file); err == nil {
		t.Error("damaged file accepted")
	}
}
