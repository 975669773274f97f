package safefmt

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
)

// maxName is the longest entry name, in bytes (safe-package.md section 9,
// rule 2).
const maxName = 255

// checkName judges an entry name without trailing slash; names use "/".
func checkName(name string) error {
	switch {
	case name == "":
		return errors.New("empty entry name")
	case len(name) > maxName:
		return fmt.Errorf("entry name longer than %d bytes", maxName)
	case !utf8.ValidString(name):
		return errors.New("entry name is not UTF-8")
	case strings.ContainsFunc(name, unicode.IsControl):
		return errors.New("control character in entry name")
	case strings.HasPrefix(name, "/"), len(name) > 1 && name[1] == ':':
		return errors.New("absolute entry name")
	}
	for part := range strings.SplitSeq(name, "/") {
		switch part {
		case "..":
			return errors.New("entry name leads outside the package")
		case "", ".":
			return errors.New("entry name is not in its shortest form")
		}
	}
	return nil
}

// printable makes a foreign name fit for one line of an error text.
func printable(name string) string {
	if len(name) > maxName {
		name = name[:maxName] + "..."
	}
	if !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) {
		return fmt.Sprintf("%q", name)
	}
	return name
}

// fold gives the form in which names differing only by case are equal.
func fold(name string) string { return cases.Fold().String(name) }

// topOrder is the order of a package's parts: safe-package.md section 10.
func topOrder(name string) int {
	top, _, _ := strings.Cut(name, "/")
	switch top {
	case "conf":
		return 0
	case "bin":
		return 1
	case "web":
		return 2
	}
	return 3
}

// compareNames sorts conf, bin, web, rest; a directory before its content.
func compareNames(a, b string) int {
	if c := cmp.Compare(topOrder(a), topOrder(b)); c != 0 {
		return c
	}
	return cmp.Compare(a, b)
}

// inBin tells whether a name lies in bin/, where every file is executable.
func inBin(name string) bool { return strings.HasPrefix(name, "bin/") }

// parents gives every directory above name, nearest first.
func parents(name string) []string {
	var up []string
	for d := path.Dir(name); d != "."; d = path.Dir(d) {
		up = append(up, d)
	}
	return up
}
