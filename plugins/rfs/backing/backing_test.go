package backing

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/safehold/safehold/plugins/api"
	"github.com/safehold/safehold/plugins/rfs/wire"
)

func root(t *testing.T) (*Root, string) {
	t.Helper()
	dir := t.TempDir()
	r, err := OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r, dir
}

func TestNothingOutsideCanBeReached(t *testing.T) {
	r, dir := root(t)
	if err := os.Symlink("/etc", filepath.Join(dir, "out")); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{"../x", "/etc/passwd", "out/passwd"} {
		if fd, err := r.Open(p, unix.O_RDONLY, 0); err == nil {
			unix.Close(fd)
			t.Errorf("%s was opened", p)
		}
	}
	if target, err := r.Readlink("out"); err != nil || target != "/etc" {
		t.Errorf("readlink: %q %v", target, err)
	}
}

func TestSymlinkAttributesAreItsOwn(t *testing.T) {
	r, dir := root(t)
	_ = os.WriteFile(filepath.Join(dir, "f"), nil, 0o600)
	_ = os.Symlink("f", filepath.Join(dir, "l"))
	o, err := r.Object("l")
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	if err := o.Impose(wire.Attr{Mode: unix.S_IFLNK, UID: 7, GID: 8, Mtime: wire.Time{Sec: 9}}, ^uint32(0)); err != nil {
		t.Fatal(err)
	}
	l, _ := r.Lstat("l")
	f, _ := r.Lstat("f")
	if l.Uid != 7 || l.Mtim.Sec != 9 || f.Uid != 0 || f.Mtim.Sec == 9 {
		t.Fatalf("link %+v file %+v", l, f)
	}
	if err := o.Setxattr("trusted.x", []byte("1"), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := unix.Getxattr(filepath.Join(dir, "f"), "trusted.x", nil); !errors.Is(err, unix.ENODATA) {
		t.Fatalf("the attribute went to the target: %v", err)
	}
}

func TestXattrsTravelWhole(t *testing.T) {
	r, dir := root(t)
	_ = os.WriteFile(filepath.Join(dir, "a"), nil, 0o600)
	_ = os.WriteFile(filepath.Join(dir, "b"), nil, 0o600)
	a, _ := r.Object("a")
	b, _ := r.Object("b")
	defer a.Close()
	defer b.Close()
	_ = a.Setxattr("user.one", []byte("1 2 3"), 0)
	_ = a.Setxattr("user.empty", nil, 0)
	_ = a.SetContentID(wire.ID{1})
	_ = b.Setxattr("user.gone", []byte("x"), 0)
	packed, digest, err := a.PackXattrs()
	if err != nil || digest == 0 {
		t.Fatal(err)
	}
	m, err := UnpackXattrs(packed)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.ReplaceXattrs(m); err != nil {
		t.Fatal(err)
	}
	if _, d, _ := b.PackXattrs(); d != digest {
		t.Fatal("attributes differ")
	}
	if !b.ContentID().IsZero() || a.ContentID() != (wire.ID{1}) {
		t.Fatal("the identity travelled with the attributes")
	}
}

func FuzzUnpackXattrs(f *testing.F) {
	f.Add([]byte("1 1 ab"))
	f.Fuzz(func(_ *testing.T, b []byte) { _, _ = UnpackXattrs(b) })
}

func TestFilter(t *testing.T) {
	cases := []struct {
		filters []api.Filter
		rel     string
		dir     bool
		want    bool
	}{
		{nil, "a", false, true},
		{[]api.Filter{{Path: "tmp"}}, "tmp/x", false, false},
		{[]api.Filter{{Path: "tmp"}}, "tmpx", false, true},
		{[]api.Filter{{Regex: `.*\.tmp$`}}, "a/b.tmp", false, false},
		{[]api.Filter{{Regex: `.*\.tmp$`}}, "a/b.tmp.swap", false, true},
		{[]api.Filter{{Regex: `^cache$`}}, "cache/x", false, false},
		{[]api.Filter{{Regex: `!\.db$`}}, "a/x.db", false, true},
		{[]api.Filter{{Regex: `!\.db$`}}, "a/x.log", false, false},
		{[]api.Filter{{Regex: `!\.db$`}}, "a", true, true},
		{[]api.Filter{{Regex: `!\.db$`}, {Regex: "^a"}}, "a/x.db", false, false},
	}
	for _, c := range cases {
		f, err := NewFilter(c.filters)
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Replicated(c.rel, c.dir); got != c.want {
			t.Errorf("%v %s: %v", c.filters, c.rel, got)
		}
	}
	if _, err := NewFilter([]api.Filter{{Regex: "("}}); err == nil {
		t.Error("a wrong expression was accepted")
	}
}

func TestRemoveAndWalk(t *testing.T) {
	r, dir := root(t)
	_ = os.MkdirAll(filepath.Join(dir, "a/b"), 0o755)
	_ = os.WriteFile(filepath.Join(dir, "a/b/c"), nil, 0o600)
	_ = os.WriteFile(filepath.Join(dir, "d"), nil, 0o600)
	var seen []string
	walk := func() {
		seen = nil
		if err := r.Walk("", func(rel string, _ *unix.Stat_t) (bool, error) { seen = append(seen, rel); return true, nil }); err != nil {
			t.Fatal(err)
		}
	}
	walk()
	if d := cmp.Diff([]string{"a", "a/b", "a/b/c", "d"}, seen); d != "" {
		t.Fatal(d)
	}
	if err := r.Remove("a"); err != nil {
		t.Fatal(err)
	}
	if err := r.Remove("a"); err != nil {
		t.Fatal(err)
	}
	walk()
	if d := cmp.Diff([]string{"d"}, seen); d != "" {
		t.Fatal(d)
	}
}
