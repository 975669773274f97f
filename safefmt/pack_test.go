package safefmt

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func pack(t testing.TB, dir string) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := Pack(t.Context(), dir, &out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// rich is a package with everything a real one has, and more.
func rich() []item {
	return append(base(),
		item{"conf/modulekey.p12", "\x00\x01key", 0o600},
		item{"conf/userconfig.xml.template", "<not xml", 0o644},
		item{"bin/lib/words", "a\r\nb", 0o755},
		item{"web/index.html", "\xef\xbb\xbf<html>", 0o644},
		item{"zeros", strings.Repeat("\x00", 1<<20), 0o644},
		item{"manifest.xml", "<application_module title='T'/>", 0o644},
		item{"bin/empty", "", 0o755},
	)
}

func TestPackTwiceGivesTheSameBytes(t *testing.T) {
	dir := writeTree(t, rich()...)
	first := pack(t, dir)
	if !bytes.Equal(first, pack(t, dir)) {
		t.Error("packing twice differs")
	}
	if !bytes.Equal(first, pack(t, writeTree(t, rich()...))) {
		t.Error("packing an equal tree differs")
	}
	want := []string{
		"conf/", "conf/modulekey.p12", "conf/userconfig.xml", "conf/userconfig.xml.template",
		"bin/", "bin/empty", "bin/lib/", "bin/lib/words", "bin/prestart", "bin/start_prim", "bin/stop_prim",
		"web/", "web/index.html", "manifest.xml", "zeros",
	}
	if diff := cmp.Diff(want, names(mustRead(t, first))); diff != "" {
		t.Error(diff)
	}
}

// TestRoundTrip is safe-package.md section 10: install(package(AM))
// reproduces the tree byte for byte.
func TestRoundTrip(t *testing.T) {
	dir := writeTree(t, rich()...)
	packed := pack(t, dir)
	out := filepath.Join(t.TempDir(), "out")
	if err := mustRead(t, packed).ExtractTo(t.Context(), out); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(listing(t, dir), listing(t, out)); diff != "" {
		t.Error(diff)
	}
	if !bytes.Equal(packed, pack(t, out)) {
		t.Error("packing the extracted tree differs")
	}
	if left, err := os.ReadDir(filepath.Dir(out)); err != nil || len(left) != 1 {
		t.Errorf("beside the target: %v, %v", left, err)
	}
}

// listing maps every name to mode, time and content.
func listing(t *testing.T, dir string) map[string]string {
	t.Helper()
	got := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		got[name] = info.Mode().String() + " " + info.ModTime().UTC().String() + " " + string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestDigest(t *testing.T) {
	dir := writeTree(t, base()...)
	digestOf := func() string {
		t.Helper()
		d, err := Digest(dir)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	was := digestOf()
	if p := mustRead(t, pack(t, dir)); p.Digest() != was {
		t.Error("the package's digest is not the tree's")
	}
	for _, same := range []func() error{
		func() error { return os.Chmod(filepath.Join(dir, "bin/prestart"), 0o640) },
		func() error { return os.Chmod(filepath.Join(dir, "conf/userconfig.xml"), 0o600) },
		func() error { return os.Chtimes(filepath.Join(dir, "bin/prestart"), time.Now(), time.Now()) },
		func() error { return os.Mkdir(filepath.Join(dir, "web"), 0o755) },
	} {
		if err := same(); err != nil {
			t.Fatal(err)
		}
		if digestOf() != was {
			t.Error("digest changed without a change of content")
		}
	}
	for _, change := range []func() error{
		func() error { return os.WriteFile(filepath.Join(dir, "bin/prestart"), []byte("x"), 0o755) },
		func() error { return os.Rename(filepath.Join(dir, "bin/prestart"), filepath.Join(dir, "bin/prestar")) },
		func() error { return os.WriteFile(filepath.Join(dir, "web/new"), nil, 0o644) },
		func() error { return os.Chmod(filepath.Join(dir, "web/new"), 0o755) },
	} {
		if err := change(); err != nil {
			t.Fatal(err)
		}
		now := digestOf()
		if now == was {
			t.Error("digest is blind to a change")
		}
		was = now
	}
}

func TestPackRefusals(t *testing.T) {
	for name, tc := range map[string]struct {
		spoil func(dir string) error
		want  string
	}{
		"no config": {func(dir string) error { return os.Remove(filepath.Join(dir, configName)) }, "no conf/userconfig.xml"},
		"symlink":   {func(dir string) error { return os.Symlink("/etc/passwd", filepath.Join(dir, "bin/l")) }, "bin/l: links are not allowed"},
		"fifo":      {func(dir string) error { return syscall.Mkfifo(filepath.Join(dir, "bin/p"), 0o600) }, "bin/p: only files and directories"},
		"case":      {func(dir string) error { return os.Mkdir(filepath.Join(dir, "BIN"), 0o755) }, "differs only by case"},
		"backslash": {func(dir string) error { return os.WriteFile(filepath.Join(dir, `bin/a\b`), nil, 0o644) }, "backslash"},
		"too large": {func(dir string) error { return os.Truncate(filepath.Join(dir, "bin/prestart"), 65<<20) }, "package too large"},
		"gone":      {os.RemoveAll, "no such file"},
	} {
		dir := writeTree(t, base()...)
		if err := tc.spoil(dir); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		err := Pack(t.Context(), dir, &out)
		if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.HasPrefix(err.Error(), dir+": ") {
			t.Errorf("%s: %v, want %q", name, err, tc.want)
		}
		if out.Len() != 0 {
			t.Errorf("%s: %d bytes written", name, out.Len())
		}
	}
}

func TestPackParts(t *testing.T) {
	dir := writeTree(t, with(item{"web/x", "x", 0o644}, item{"kvm_test.go", "x", 0o644})...)
	var out bytes.Buffer
	if err := PackParts(t.Context(), dir, &out, "conf", "bin", "README.md"); err != nil {
		t.Fatal(err)
	}
	want := names(mustRead(t, zipOf(t, base()...)))
	if diff := cmp.Diff(want, names(mustRead(t, out.Bytes()))); diff != "" {
		t.Error(diff)
	}
}

func TestPackOldTimes(t *testing.T) {
	dir := writeTree(t, base()...)
	if err := os.Chtimes(filepath.Join(dir, "bin/prestart"), time.Time{}, time.Unix(-5, 0)); err != nil {
		t.Fatal(err)
	}
	for _, e := range mustRead(t, pack(t, dir)).Entries() {
		if e.Name == "bin/prestart" && !e.ModTime.Equal(dirTime()) {
			t.Errorf("time %v", e.ModTime)
		}
	}
}

func TestExtractRefusals(t *testing.T) {
	p := mustRead(t, zipOf(t, base()...))
	parent := t.TempDir()
	taken := filepath.Join(parent, "taken")
	if err := os.Mkdir(taken, 0o755); err != nil {
		t.Fatal(err)
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	for name, tc := range map[string]struct {
		ctx  context.Context
		dir  string
		want string
	}{
		"exists":    {t.Context(), taken, "exists already"},
		"no parent": {t.Context(), filepath.Join(parent, "a/b"), "no such file"},
		"canceled":  {canceled, filepath.Join(parent, "c"), "canceled"},
	} {
		err := p.ExtractTo(tc.ctx, tc.dir)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", name, err, tc.want)
		}
	}
	if left, err := os.ReadDir(parent); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if err := p.Replace(t.Context(), filepath.Join(parent, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("replacing nothing: %v", err)
	}
}

func TestReplace(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "m")
	if err := mustRead(t, zipOf(t, with(item{"web/old", "x", 0o644})...)).ExtractTo(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	p := mustRead(t, zipOf(t, with(item{"web/new", "x", 0o644})...))
	if err := p.Replace(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	if got, err := Digest(dir); err != nil || got != p.Digest() {
		t.Errorf("digest %s, %v", got, err)
	}
	if left, err := os.ReadDir(parent); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
