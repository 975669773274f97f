package safefmt

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"
)

// rawEntry is one entry as an archive reader found it.
type rawEntry struct {
	name    string      // as written, perhaps with a trailing slash
	mode    fs.FileMode // type bits always; permissions when hasPerm
	hasPerm bool        // the archive knows Unix permissions
	link    bool        // a link that the mode does not show
	modTime time.Time
}

// file is a checked entry with its content.
type file struct {
	Entry
	data []byte
}

// collector gathers the entries of one archive: it cleans and checks names
// and kinds, and reads contents within the budget.
type collector struct {
	budget   *budget
	files    []*file
	seen     map[string]bool
	warnings []string
}

func newCollector(b *budget) *collector {
	return &collector{budget: b, seen: map[string]bool{}}
}

func (c *collector) warn(entry, format string, args ...any) {
	c.warnings = append(c.warnings, entry+": "+fmt.Sprintf(format, args...))
}

// add takes one entry and reads its content from r; a directory has none.
func (c *collector) add(raw rawEntry, r func() (io.ReadCloser, error)) error {
	if err := c.budget.entry(); err != nil {
		return err
	}
	name, isDir, skip := cleanName(raw.name)
	if skip {
		return nil
	}
	if err := checkName(name); err != nil {
		return at(printable(raw.name), err)
	}
	if err := checkKind(raw); err != nil {
		return at(name, err)
	}
	if c.seen[name] {
		return at(name, errors.New("duplicate entry"))
	}
	c.seen[name] = true
	f := &file{Entry: Entry{Name: name, Dir: isDir || raw.mode.IsDir(), ModTime: raw.modTime}}
	f.Mode = c.mode(f.Entry, raw)
	if !f.Dir {
		if err := c.content(f, r); err != nil {
			return at(name, err)
		}
	}
	c.files = append(c.files, f)
	return nil
}

// cleanName gives the name in our form, and whether the entry is to be ignored:
// the root itself, and what macOS adds to every archive.
func cleanName(name string) (clean string, isDir, skip bool) {
	name = strings.ReplaceAll(name, `\`, "/") // archives written on Windows
	isDir = strings.HasSuffix(name, "/")
	trimmed := strings.TrimSuffix(strings.TrimPrefix(name, "./"), "/")
	if name == "./" || name == "." {
		return "", true, true
	}
	if trimmed == "__MACOSX" || strings.HasPrefix(trimmed, "__MACOSX/") {
		return "", isDir, true
	}
	return trimmed, isDir, false
}

func checkKind(raw rawEntry) error {
	switch t := raw.mode.Type(); {
	case raw.link || t&fs.ModeSymlink != 0:
		return errors.New("links are not allowed in a package")
	case t != 0 && t != fs.ModeDir:
		return errors.New("only files and directories are allowed in a package")
	}
	return nil
}

// mode gives the permissions an entry gets on disk: those of the archive,
// never writable by others; bin/ always executable.
func (c *collector) mode(e Entry, raw rawEntry) fs.FileMode {
	if raw.mode&(fs.ModeSetuid|fs.ModeSetgid|fs.ModeSticky) != 0 {
		c.warn(e.Name, "setuid, setgid and sticky bits removed")
	}
	perm := raw.mode.Perm() &^ 0o022
	switch {
	case e.Dir && (!raw.hasPerm || perm == 0):
		return 0o755
	case e.Dir:
		return perm | 0o700
	case inBin(e.Name):
		return 0o755
	case !raw.hasPerm || perm == 0:
		return 0o644
	}
	return perm | 0o600
}

func (c *collector) content(f *file, open func() (io.ReadCloser, error)) error {
	r, err := open()
	if err != nil {
		return err
	}
	defer r.Close()
	f.data, err = c.budget.read(r)
	f.Size = int64(len(f.data))
	return err
}
