package safefmt

import (
	"bytes"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mholt/archives"
)

// TestFormats opens the same package in every format we read.
func TestFormats(t *testing.T) {
	plain := tarOf(t, base()...)
	want := mustRead(t, zipOf(t, base()...))
	for name, data := range map[string][]byte{
		"tar":     plain,
		"tar.gz":  compressed(t, archives.Gz{}, plain),
		"tar.bz2": compressed(t, archives.Bz2{}, plain),
		"tar.xz":  compressed(t, archives.Xz{}, plain),
		"tar.zst": compressed(t, archives.Zstd{}, plain),
		"tar.lz4": compressed(t, archives.Lz4{}, plain),
		"7z":      sevenZipOf(base()...),
		"dos zip": zipOf(t, dos(base())...),
	} {
		t.Run(name, func(t *testing.T) {
			p, err := readBytes(data, Limits{SevenZip: true})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(names(want), names(p)); diff != "" {
				t.Error(diff)
			}
			if p.Digest() != want.Digest() {
				t.Error("digest differs from that of the zip")
			}
			if len(p.Warnings()) != 0 {
				t.Errorf("warnings %q", p.Warnings())
			}
		})
	}
}

func compressed(t testing.TB, z archives.Compressor, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := z.OpenWriter(&out)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(w, bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestDamagedCompression checks that the sum at a compressed stream's end is
// compared.
func TestDamagedCompression(t *testing.T) {
	data := gzipped(t, tarOf(t, base()...))
	data[len(data)-6] ^= 0xff
	if _, err := readBytes(data, Limits{}); err == nil || !strings.Contains(err.Error(), "checksum") {
		t.Errorf("error %v, want a checksum error", err)
	}
}

func dos(items []item) []item {
	list := slices.Clone(items)
	for i := range list {
		list[i].mode = 0
		list[i].name = strings.ReplaceAll(list[i].name, "/", `\`)
	}
	return list
}

// TestInfoZip opens a package written by Info-ZIP 3.0 from a directory, the
// container of published packages: directory entries, extra fields, Unix
// modes.
func TestInfoZip(t *testing.T) {
	p, err := Open("../testdata/packages/infozip.safe", Limits{})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"conf/", "conf/userconfig.xml", "bin/", "bin/prestart", "bin/start_prim", "bin/stop_prim",
		"web/", "web/index.html", "manifest.xml",
	}
	if diff := cmp.Diff(want, names(p)); diff != "" {
		t.Error(diff)
	}
	if len(p.Warnings()) != 0 || p.Manifest().Title != "Fixture" {
		t.Errorf("warnings %q, manifest %+v", p.Warnings(), p.Manifest())
	}
}

func TestModes(t *testing.T) {
	p := mustRead(t, zipOf(t,
		item{"conf/", "", 0o777 | fs.ModeDir},
		item{"conf/userconfig.xml", mirrorXML, 0o666},
		item{"conf/modulekey.p12", "k", 0o400},
		item{"bin/prestart", script, 0o644},
		item{"bin/lib", "x", 0o4755 | fs.ModeSetuid},
		item{"bin/sub/deep", "x", 0o600},
		item{"web/index.html", "x", 0},
		item{"tool", "x", 0o755},
	))
	got := map[string]fs.FileMode{}
	for _, e := range p.Entries() {
		got[e.Name] = e.Mode
	}
	want := map[string]fs.FileMode{
		"conf": 0o755, "conf/userconfig.xml": 0o644, "conf/modulekey.p12": 0o600,
		"bin": 0o755, "bin/prestart": 0o755, "bin/lib": 0o755, "bin/sub": 0o755, "bin/sub/deep": 0o755,
		"web": 0o755, "web/index.html": 0o644, "tool": 0o755,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !slices.Contains(p.Warnings(), "bin/lib: setuid, setgid and sticky bits removed") {
		t.Errorf("warnings %q", p.Warnings())
	}
}

func TestLeadingDirectory(t *testing.T) {
	var items []item
	for _, it := range base() {
		items = append(items, item{"kvm-module/" + it.name, it.body, it.mode})
	}
	for _, top := range [][]item{nil, {{"kvm-module/", "", 0o755 | fs.ModeDir}}} {
		p := mustRead(t, zipOf(t, append(top, items...)...))
		if diff := cmp.Diff(names(mustRead(t, zipOf(t, base()...))), names(p)); diff != "" {
			t.Error(diff)
		}
		if !slices.Contains(p.Warnings(), "kvm-module: leading directory removed") {
			t.Errorf("warnings %q", p.Warnings())
		}
		if i := slices.IndexFunc(p.Entries(), func(e Entry) bool { return e.Name == "bin/prestart" }); p.Entries()[i].Mode != 0o755 {
			t.Errorf("bin/prestart has mode %v", p.Entries()[i].Mode)
		}
	}
}

func TestTarRootAndMacEntriesAreIgnored(t *testing.T) {
	items := []item{{"./", "", 0o755 | fs.ModeDir}, {"__MACOSX/bin/._x", "x", 0o644}}
	for _, it := range base() {
		items = append(items, item{"./" + it.name, it.body, it.mode})
	}
	p := mustRead(t, tarOf(t, items...))
	if diff := cmp.Diff(names(mustRead(t, zipOf(t, base()...))), names(p)); diff != "" {
		t.Error(diff)
	}
}

func TestUnixText(t *testing.T) {
	p := mustRead(t, zipOf(t,
		item{"conf/userconfig.xml", strings.ReplaceAll(mirrorXML, "><", ">\r\n<"), 0o644},
		item{"bin/prestart", "#!/bin/sh\r\necho a\r\n", 0o755},
		item{"bin/start_prim", "\xef\xbb\xbf#!/bin/sh\n", 0o755},
		item{"bin/list", "a\r\nb\r\n", 0o755},
	))
	for name, want := range map[string]string{
		"bin/prestart":   "#!/bin/sh\necho a\n",
		"bin/start_prim": "#!/bin/sh\n",
		"bin/list":       "a\r\nb\r\n",
	} {
		if got, ok := p.File(name); !ok || string(got) != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	want := []string{
		"bin/prestart: CRLF line ends converted to LF",
		"bin/start_prim: byte order mark removed",
	}
	if diff := cmp.Diff(want, p.Warnings()); diff != "" {
		t.Error(diff)
	}
}

// TestScriptSet is rule 12.
func TestScriptSet(t *testing.T) {
	for _, tc := range []struct{ mode, scripts, want string }{
		{"mirror", "prestart start_prim", ""},
		{"mirror", "prestart start_prim start_both", ""},
		{"mirror", "start_prim", "bin/prestart: missing"},
		{"mirror", "prestart start_both", "bin/start_both: the only start script of a mirror"},
		{"farm", "prestart start_both", ""},
		{"farm", "prestart start_prim", "bin/start_prim: never called in mode farm"},
		{"light", "prestart start_prim", "bin/start_prim: never called in mode light"},
		{"%MODE%", "prestart start_prim", ""},
		{"mirror", "prestart start_prim stop.cmd", "bin/stop.cmd: Windows script, ignored on Linux"},
	} {
		items := []item{{"conf/userconfig.xml", strings.Replace(mirrorXML, "mirror", tc.mode, 1), 0o644}}
		for s := range strings.FieldsSeq(tc.scripts) {
			items = append(items, item{"bin/" + s, script, 0o755})
		}
		got := strings.Join(mustRead(t, zipOf(t, items...)).Warnings(), "\n")
		if !strings.HasPrefix(got, tc.want) || (tc.want == "") != (got == "") || strings.Contains(got, "\n") {
			t.Errorf("%s %s: warnings %q, want %q", tc.mode, tc.scripts, got, tc.want)
		}
	}
}

func TestManifest(t *testing.T) {
	good := `<?xml version='1.0' encoding='utf-8'?><application_module name="mirror" title="T&#10;x" description="D" note="N" warning="W"><content><dir name="bin" visible="true"><file name="gone"/></dir></content></application_module>`
	for _, tc := range []struct {
		name, body, warning string
		want                Manifest
	}{
		{"good", good, "", Manifest{"T\nx", "D", "N", "W"}},
		{"none", "", "", Manifest{}},
		{"cut", good[:100], "manifest.xml: ignored: line 1", Manifest{}},
		{"entity", "<!DOCTYPE a [<!ENTITY x \"y\">]>" + "<application_module title='t'/>", "manifest.xml: ignored: line 1", Manifest{}},
		{"other root", "<a/>", "manifest.xml: ignored: root element is <a>", Manifest{}},
	} {
		items := base()
		if tc.body != "" {
			items = append(items, item{"manifest.xml", tc.body, 0o644})
		}
		p := mustRead(t, zipOf(t, items...))
		if diff := cmp.Diff(tc.want, p.Manifest()); diff != "" {
			t.Errorf("%s: %s", tc.name, diff)
		}
		if got := strings.Join(p.Warnings(), "|"); !strings.HasPrefix(got, tc.warning) || (got == "") != (tc.warning == "") {
			t.Errorf("%s: warnings %q, want %q", tc.name, got, tc.warning)
		}
	}
}

// TestScanConfig is userconfig-xml.md section 1: what is well-formed.
func TestScanConfig(t *testing.T) {
	utf16 := []byte{0xff, 0xfe}
	for _, b := range []byte(`<?xml version="1.0" encoding="UTF-16"?><safe/>`) {
		utf16 = append(utf16, b, 0)
	}
	for _, good := range []string{
		mirrorXML,
		"\xef\xbb\xbf<!-- c --><!DOCTYPE safe>\r\n<safe/>",
		"<!DOCTYPE safe><macro name='A' value='b'/><safe></safe>",
		"<?xml version='1.0' encoding='iso-8859-1'?><safe a='\xe9'/>",
		"<?xml version='1.0' encoding='us-ascii'?><safe/>",
		"<safe><!-- \\-\\- --><![CDATA[if (a < b)]]></safe>",
		string(utf16),
		string(utf16[2:]),
	} {
		if _, err := scanConfig([]byte(good)); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for bad, want := range map[string]string{
		"<safe>":                            "line 1",
		"<safe/>\ntext":                     "line 1: not well-formed XML: text outside the root",
		"<safe/>\n\n<safe/>":                "line 3: not well-formed XML: second root element <safe>",
		"<safe a='1' a='2'/>":               "attribute a given twice",
		"<safe>&x;</safe>":                  "line 1",
		"<safe>\n<a></b></safe>":            "line 2",
		"<safe>\xff</safe>":                 "line 1",
		"<macro/>":                          "no root element",
		strings.Repeat("<a>", 200):          "nested deeper",
		"<!DOCTYPE safe [\n]><safe></safe>": "declarations inside DOCTYPE",
		"<?xml version='1.0' encoding='koi8-r'?><safe/>": "unsupported encoding",
	} {
		if _, err := scanConfig([]byte(bad)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", bad, err, want)
		}
	}
}
