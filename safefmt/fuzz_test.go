package safefmt

import (
	"bytes"
	"path/filepath"
	"testing"
	"unicode/utf8"

	"github.com/mholt/archives"
)

// FuzzOpen feeds damaged archives. Whatever is accepted must hold what the
// package promises: safe names, bounded size, a tree that extracts, packs and
// opens again to the same content.
func FuzzOpen(f *testing.F) {
	for _, seed := range [][]byte{
		zipOf(f, base()...),
		zipOf(f, dos(base())...),
		zipOf(f, rich()[:9]...),
		tarOf(f, base()...),
		[]byte("\xfd7zXZ\x00"), []byte("BZh9"), []byte("\x28\xb5\x2f\xfd"), []byte("\x04\x22\x4d\x18"),
		[]byte("Rar!"), []byte("7z\xbc\xaf\x27\x1c"), []byte("PK"),
	} {
		f.Add(seed)
	}
	for _, z := range []archives.Compressor{archives.Gz{}, archives.Bz2{}, archives.Xz{}, archives.Zstd{}, archives.Lz4{}} {
		f.Add(compressed(f, z, tarOf(f, base()...)))
	}
	lim := Limits{Bytes: 1 << 20, Entries: 100}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := readBytes(data, lim)
		if err != nil {
			if p != nil || !utf8.ValidString(err.Error()) || bytes.ContainsAny([]byte(err.Error()), "\n\x00\x1b") {
				t.Errorf("package %v with error %q", p, err)
			}
			return
		}
		checkPromises(t, p, lim)
		dir := filepath.Join(t.TempDir(), "m")
		if err := p.ExtractTo(t.Context(), dir); err != nil {
			t.Fatal(err)
		}
		again := mustRead(t, pack(t, dir))
		if again.Digest() != p.Digest() {
			t.Error("the package changed in a round trip")
		}
	})
}

func checkPromises(t *testing.T, p *Package, lim Limits) {
	t.Helper()
	var total int64
	for _, e := range p.Entries() {
		if err := checkName(e.Name); err != nil {
			t.Errorf("%q: %v", e.Name, err)
		}
		if !filepath.IsLocal(e.Name) || e.Mode&^0o755 != 0 {
			t.Errorf("%q has mode %v", e.Name, e.Mode)
		}
		total += e.Size
	}
	if total > lim.Bytes {
		t.Errorf("%d bytes accepted", total)
	}
}

// FuzzScanConfig looks for panics and endless loops on damaged XML.
func FuzzScanConfig(f *testing.F) {
	f.Add([]byte(mirrorXML))
	f.Add([]byte("<?xml version='1.0' encoding='iso-8859-1'?><safe/>"))
	f.Add([]byte("\xff\xfe<\x00"))
	f.Fuzz(func(_ *testing.T, data []byte) {
		_, _ = scanConfig(data)
	})
}
