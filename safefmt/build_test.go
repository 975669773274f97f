package safefmt

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"
)

const (
	mirrorXML = `<!DOCTYPE safe><safe><service mode="mirror"><user/></service></safe>`
	script    = "#!/bin/sh\nexit 0\n"
)

func testTime() time.Time { return time.Date(2025, 3, 1, 12, 0, 0, 0, time.UTC) }

// item is one entry of a test archive.
type item struct {
	name string
	body string
	mode fs.FileMode // 0: no Unix modes, as written on Windows
}

// base is a good mirror package.
func base() []item {
	return []item{
		{"conf/userconfig.xml", mirrorXML, 0o644},
		{"bin/prestart", script, 0o755},
		{"bin/start_prim", script, 0o755},
		{"bin/stop_prim", script, 0o755},
	}
}

func zipOf(t testing.TB, items ...item) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, it := range items {
		h := &zip.FileHeader{Name: it.name, Method: zip.Deflate, Modified: testTime()}
		if it.mode != 0 {
			h.SetMode(it.mode)
		}
		if it.body == "" {
			h.Method = zip.Store
		}
		w, err := z.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if it.body == "" {
			continue
		}
		if _, err := w.Write([]byte(it.body)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func tarOf(t testing.TB, items ...item) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, it := range items {
		h, err := tar.FileInfoHeader(fakeInfo{it}, "target")
		if err != nil {
			t.Fatal(err)
		}
		h.Name = it.name
		h.Size = int64(len(it.body))
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(it.body)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

type fakeInfo struct{ item }

func (f fakeInfo) Name() string       { return f.name }
func (f fakeInfo) Size() int64        { return int64(len(f.body)) }
func (f fakeInfo) Mode() fs.FileMode  { return f.mode }
func (f fakeInfo) ModTime() time.Time { return testTime() }
func (f fakeInfo) IsDir() bool        { return f.mode.IsDir() }
func (f fakeInfo) Sys() any           { return nil }

func readBytes(data []byte, lim Limits) (*Package, error) {
	return Read("x.safe", bytes.NewReader(data), int64(len(data)), lim)
}

func mustRead(t testing.TB, data []byte) *Package {
	t.Helper()
	p, err := readBytes(data, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// writeTree makes a module's directory with a fixed time on every file.
func writeTree(t testing.TB, items ...item) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "module")
	for _, it := range items {
		path := filepath.Join(dir, it.name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(it.body), it.mode.Perm()); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, testTime(), testTime()); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func names(p *Package) []string {
	var list []string
	for _, e := range p.Entries() {
		n := e.Name
		if e.Dir {
			n += "/"
		}
		list = append(list, n)
	}
	return list
}
