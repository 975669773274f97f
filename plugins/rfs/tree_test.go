package rfs

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/safehold/safehold/plugins/rfs/backing"
	"github.com/safehold/safehold/plugins/rfs/blocks"
)

// describe gives one line for each name of a node's plain directory: all that must be
// equal on both nodes, holes included.
func (n *node) describe() []string {
	n.t.Helper()
	r, err := backing.OpenRoot(n.dir)
	must(n.t, err)
	defer r.Close()
	must(n.t, r.Sync()) // so that extents are what they will be
	var out []string
	first := map[uint64]string{}
	err = r.Walk("", func(rel string, st *unix.Stat_t) (bool, error) {
		out = append(out, line(n.t, r, rel, st, first))
		return true, nil
	})
	if err != nil {
		n.t.Fatal(err)
	}
	st, err := r.Lstat("")
	if err != nil {
		n.t.Fatal(err)
	}
	out = append(out, line(n.t, r, "", &st, first))
	sort.Strings(out)
	return out
}

func line(t testing.TB, r *backing.Root, rel string, st *unix.Stat_t, first map[uint64]string) string {
	t.Helper()
	e, err := backing.Describe(r, rel, "")
	if err != nil {
		t.Fatal(err)
	}
	s := fmt.Sprintf("%s mode %o owner %d:%d rdev %d mtime %d.%d xattrs %x target %q", rel, st.Mode, st.Uid, st.Gid, st.Rdev,
		st.Mtim.Sec, st.Mtim.Nsec, e.Xattrs, e.Target)
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return s
	}
	if first[st.Ino] == "" {
		first[st.Ino] = rel
	}
	fd, err := r.Open(rel, unix.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fd), rel)
	defer f.Close()
	data, err := blocks.Data(fd, 0, st.Size)
	if err != nil {
		t.Fatal(err)
	}
	h := sha256.New()
	buf := make([]byte, 1<<20)
	for _, x := range data {
		for x.Len > 0 {
			m, err := blocks.ReadAt(fd, buf[:min(x.Len, 1<<20)], x.Off)
			if err != nil || m == 0 {
				t.Fatal(err, m)
			}
			// Zeros are skipped so that only content counts here.
			if !bytes.Equal(buf[:m], make([]byte, m)) {
				fmt.Fprint(h, x.Off)
				h.Write(buf[:m])
			}
			x.Off, x.Len = x.Off+int64(m), x.Len-int64(m)
		}
	}
	return s + fmt.Sprintf(" size %d nlink %d first %s data %v sum %x", st.Size, st.Nlink, first[st.Ino], data, h.Sum(nil)[:8])
}

// same fails unless both plain directories are equal. Nothing is mounted on them.
func same(t testing.TB, a, b *node) {
	t.Helper()
	if d := cmp.Diff(a.describe(), b.describe()); d != "" {
		t.Fatalf("the trees differ (-%s +%s):\n%s", a.name, b.name, d)
	}
}

func write(t testing.TB, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func text(n int) string { return strings.Repeat("0123456789abcdef", n/16) }
