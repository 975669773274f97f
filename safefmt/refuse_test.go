package safefmt

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// with gives the good package and more entries.
func with(items ...item) []item { return append(base(), items...) }

// TestRefusals walks the table of safe-package.md section 9, rules 1 to 10.
func TestRefusals(t *testing.T) {
	good := zipOf(t, base()...)
	for _, tc := range []struct {
		name string
		data []byte
		lim  Limits
		want string
	}{
		// rule 1: the container
		{"empty", nil, Limits{}, "x.safe: not a package"},
		{"text", []byte("hello, this is no archive at all"), Limits{}, "x.safe: not a package"},
		{"truncated", good[:len(good)/2], Limits{}, "x.safe: not a complete zip archive"},
		{"only the magic", []byte("PK\x03\x04"), Limits{}, "not a complete zip archive"},
		{"checksum", patch(t, good, "bin/prestart", 16, 0xff), Limits{}, "x.safe: bin/prestart: checksum error"},
		{"encrypted", patch(t, good, "bin/prestart", 8, 0x01), Limits{}, "x.safe: bin/prestart: encrypted entry"},
		{"compression", patch(t, good, "bin/prestart", 10, 0x0e), Limits{}, "x.safe: bin/prestart: unsupported compression method"},
		{"rar", []byte("Rar!\x1a\x07\x01\x00 and so on"), Limits{}, "rar archives are not accepted"},
		{"7z", []byte("7z\xbc\xaf\x27\x1c\x00\x04 and so on"), Limits{}, "7z archives are not accepted here"},
		{"damaged 7z", []byte("7z\xbc\xaf\x27\x1c\x00\x04 and so on"), Limits{SevenZip: true}, "archive is cut short"},
		{"compressed text", gzipped(t, []byte("just a text")), Limits{}, "cut short"},
		{"truncated tar.gz", gzipped(t, tarOf(t, base()...))[:120], Limits{}, "truncated"},
		{"truncated tar", tarOf(t, base()...)[:700], Limits{}, "cut short"},

		// rule 2: names
		{"absolute", zipOf(t, with(item{"/etc/cron.d/x", "x", 0o644})...), Limits{}, "x.safe: /etc/cron.d/x: absolute entry name"},
		{"drive", zipOf(t, with(item{`C:\x`, "x", 0})...), Limits{}, "absolute entry name"},
		{"escape", zipOf(t, with(item{"bin/../../x", "x", 0o644})...), Limits{}, "leads outside"},
		{"escape in tar", tarOf(t, with(item{"../x", "x", 0o644})...), Limits{}, "leads outside"},
		{"backslash escape", zipOf(t, with(item{`bin\..\..\x`, "x", 0})...), Limits{}, "leads outside"},
		{"dot", zipOf(t, with(item{"bin/./x", "x", 0o644})...), Limits{}, "shortest form"},
		{"double slash", zipOf(t, with(item{"bin//x", "x", 0o644})...), Limits{}, "shortest form"},
		{"nul", zipOf(t, with(item{"bin/a\x00b", "x", 0o644})...), Limits{}, `x.safe: "bin/a\x00b": control character`},
		{"newline", zipOf(t, with(item{"bin/a\nb", "x", 0o644})...), Limits{}, "control character"},
		{"latin1", zipOf(t, with(item{"bin/caf\xe9", "x", 0o644})...), Limits{}, "not UTF-8"},
		{"long", zipOf(t, with(item{"bin/" + strings.Repeat("n", 252), "x", 0o644})...), Limits{}, "longer than 255 bytes"},
		{"empty name", zipOf(t, with(item{"", "", 0o644})...), Limits{}, "empty entry name"},

		// rule 3: kinds
		{"symlink", zipOf(t, with(item{"bin/l", "/etc/passwd", 0o777 | fs.ModeSymlink})...), Limits{}, "x.safe: bin/l: links are not allowed"},
		{"symlink called directory", zipOf(t, with(item{"bin/l/", "", 0o777 | fs.ModeSymlink})...), Limits{}, "links are not allowed"},
		{"symlink in tar", tarOf(t, with(item{"bin/l", "", 0o777 | fs.ModeSymlink})...), Limits{}, "links are not allowed"},
		{"hard link in tar", hardLink(t), Limits{}, "bin/hard: links are not allowed"},
		{"device", zipOf(t, with(item{"bin/d", "", 0o600 | fs.ModeDevice})...), Limits{}, "only files and directories"},
		{"character device", tarOf(t, with(item{"bin/d", "", 0o600 | fs.ModeDevice | fs.ModeCharDevice})...), Limits{}, "only files and directories"},
		{"fifo", tarOf(t, with(item{"bin/p", "", 0o600 | fs.ModeNamedPipe})...), Limits{}, "only files and directories"},
		{"socket", zipOf(t, with(item{"bin/s", "", 0o600 | fs.ModeSocket})...), Limits{}, "only files and directories"},

		// rule 4: duplicates
		{"duplicate", zipOf(t, with(item{"bin/prestart", "x", 0o755})...), Limits{}, "x.safe: bin/prestart: duplicate entry"},
		{"duplicate by backslash", zipOf(t, with(item{`bin\prestart`, "x", 0})...), Limits{}, "duplicate entry"},
		{"case", zipOf(t, with(item{"bin/PreStart", "x", 0o755})...), Limits{}, "bin/PreStart: duplicate entry: bin/prestart differs only by case"},
		{"case of a directory", zipOf(t, with(item{"Bin/x", "x", 0o755})...), Limits{}, "differs only by case"},
		{"unicode case", zipOf(t, with(item{"web/Ärger", "x", 0o644}, item{"web/äRGER", "x", 0o644})...), Limits{}, "differs only by case"},
		{"file and directory", zipOf(t, with(item{"web", "x", 0o644}, item{"web/x", "x", 0o644})...), Limits{}, "x.safe: web: both a file and a directory"},

		// rule 5: size
		{"bomb", zipOf(t, with(item{"web/b", strings.Repeat("\x00", 8<<20), 0o644})...), Limits{}, "more than 200 times the archive"},
		{"bomb in tar.gz", gzipped(t, tarOf(t, with(item{"web/b", strings.Repeat("\x00", 8<<20), 0o644})...)), Limits{}, "more than 200 times the archive"},
		{"many small ones", zipOf(t, with(many(60, strings.Repeat("a", 900))...)...), Limits{Bytes: 50_000, Ratio: 1000}, "contents are more than 50000 bytes"},
		{"entries", zipOf(t, with(many(2000, "x")...)...), Limits{}, "more than 2000 entries"},
		{"archive", good, Limits{Archive: 100}, "more than 100"},
		{"lying size", lyingSize(t), Limits{}, "x.safe: web/b: "},
		{"huge directory", append([]byte("PK\x05\x06"), bytes.Repeat(centralMagic, 40_000)...), Limits{}, "more than 2000 entries"},

		// rule 6 and 7: the configuration
		{"no config", zipOf(t, base()[1:]...), Limits{}, "x.safe: no conf/userconfig.xml"},
		{"config is a directory", zipOf(t, item{"conf/userconfig.xml/", "", 0o755 | fs.ModeDir}), Limits{}, "no conf/userconfig.xml"},
		{"two levels down", zipOf(t, item{"a/b/conf/userconfig.xml", mirrorXML, 0o644}), Limits{}, "no conf/userconfig.xml"},
		{"bad xml", zipOf(t, item{"conf/userconfig.xml", "<safe>\n<service>\n</safe>", 0o644}), Limits{}, "x.safe: conf/userconfig.xml: line 3: not well-formed XML"},
		{"empty xml", zipOf(t, item{"conf/userconfig.xml", "", 0o644}), Limits{}, "no root element"},

		// rule 10: Windows
		{"windows", zipOf(t, item{"conf/userconfig.xml", mirrorXML, 0}, item{"bin/start_prim.ps1", "x", 0}, item{"bin/list.txt", "x", 0}), Limits{}, "Windows module"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, err := readBytes(tc.data, tc.lim)
			if err == nil {
				t.Fatalf("accepted: %v", names(p))
			}
			if !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %q, want %q", err, tc.want)
			}
			if !strings.HasPrefix(err.Error(), "x.safe: ") || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %q is not one line naming the file", err)
			}
			var e *Error
			if !errors.As(err, &e) {
				t.Errorf("error %q is not an *Error", err)
			}
			leavesNothing(t, tc.data, tc.lim)
		})
	}
}

// leavesNothing opens the package from a file and looks for new files.
func leavesNothing(t *testing.T, data []byte, lim Limits) {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "x.safe")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, lim); err == nil {
		t.Error("file accepted")
	}
	if list, err := os.ReadDir(dir); err != nil || len(list) != 1 {
		t.Errorf("left behind: %v, %v", list, err)
	}
}

func TestOpenRefusesWhatIsNoFile(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		dir:                        "not a regular file",
		fifo:                       "not a regular file",
		filepath.Join(dir, "none"): "open package: no such file",
	} {
		if _, err := Open(path, Limits{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
}

// TestLimitErrors checks that callers can tell a limit from damage.
func TestLimitErrors(t *testing.T) {
	_, err := readBytes(zipOf(t, with(many(50, "x")...)...), Limits{Entries: 10})
	if !errors.Is(err, ErrLimit) {
		t.Errorf("%v is not ErrLimit", err)
	}
	_, err = readBytes(zipOf(t, item{"x", "y", 0o644}), Limits{})
	if !errors.Is(err, ErrNoConfig) {
		t.Errorf("%v is not ErrNoConfig", err)
	}
}

func many(n int, body string) []item {
	list := make([]item, n)
	for i := range list {
		list[i] = item{fmt.Sprintf("web/f%d", i), body, 0o644}
	}
	return list
}

func gzipped(t *testing.T, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// patch flips bits of a byte of an entry's central directory header.
func patch(t *testing.T, data []byte, entry string, offset int, bits byte) []byte {
	t.Helper()
	out := bytes.Clone(data)
	at := bytes.LastIndex(out, []byte(entry)) - 46
	if at < 0 || !bytes.HasPrefix(out[at:], centralMagic) {
		t.Fatalf("no central header of %s", entry)
	}
	out[at+offset] ^= bits
	return out
}

// lyingSize is a package whose entry claims to be smaller than it is.
func lyingSize(t *testing.T) []byte {
	t.Helper()
	data := zipOf(t, with(item{"web/b", strings.Repeat("ab", 1000), 0o644})...)
	at := bytes.LastIndex(data, []byte("web/b")) - 46
	binary.LittleEndian.PutUint32(data[at+24:], 10)
	return data
}

func hardLink(t *testing.T) []byte {
	t.Helper()
	data := tarOf(t, with(item{"bin/hard", "", 0o777 | fs.ModeSymlink})...)
	at := bytes.Index(data, []byte("bin/hard"))
	header := data[at : at+512]
	header[156] = '1'
	copy(header[148:156], "        ")
	sum := 0
	for _, b := range header {
		sum += int(b)
	}
	copy(header[148:156], fmt.Sprintf("%06o\x00 ", sum))
	return data
}
