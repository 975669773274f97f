package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestPagesAreFresh regenerates the pages and compares.
func TestPagesAreFresh(t *testing.T) {
	kept := filepath.Join("..", "..", "..", "docs")
	fresh := t.TempDir()
	if err := generate(fresh); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(pages(t, fresh), pages(t, kept)); diff != "" {
		t.Errorf("run go generate ./runtime/cli (-fresh +kept):\n%s", diff)
	}
}

// pages reads the generated files below docs.
func pages(t *testing.T, docs string) map[string]string {
	t.Helper()
	out := map[string]string{}
	read := func(path string) {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		rel, err := filepath.Rel(docs, path)
		if err != nil {
			t.Fatal(err)
		}
		out[rel] = string(raw)
	}
	read(filepath.Join(docs, "COMMANDS.md"))
	err := filepath.WalkDir(filepath.Join(docs, "man"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			read(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
