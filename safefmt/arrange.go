package safefmt

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

const configName = "conf/userconfig.xml"

// arrange brings the gathered entries into the package's form: one common
// leading directory stripped, no clash of names, every parent directory
// present, in packing order.
func (c *collector) arrange() error {
	c.stripTop()
	if err := c.clashes(); err != nil {
		return err
	}
	c.addParents()
	sortFiles(c.files)
	return nil
}

func sortFiles(files []*file) {
	slices.SortFunc(files, func(a, b *file) int { return compareNames(a.Name, b.Name) })
}

// stripTop removes the directory that users create when they zip a folder
// (safe-package.md section 9, rule 6).
func (c *collector) stripTop() {
	top := ""
	for _, f := range c.files {
		if f.Name == configName {
			return
		}
		first, _, below := strings.Cut(f.Name, "/")
		if (top != "" && top != first) || (!below && !f.Dir) {
			return
		}
		top = first
	}
	kept := c.files[:0]
	for _, f := range c.files {
		if f.Name == top {
			continue
		}
		f.Name = strings.TrimPrefix(f.Name, top+"/")
		if inBin(f.Name) && !f.Dir {
			f.Mode = 0o755
		}
		kept = append(kept, f)
	}
	c.files = kept
	if top != "" {
		c.warn(top, "leading directory removed")
	}
}

// clashes refuses names that differ only by case, directories of the path
// included, and files used as directories.
func (c *collector) clashes() error {
	exact := map[string]string{} // folded name -> name
	dirs := map[string]bool{}
	for _, f := range c.files {
		for _, name := range append(parents(f.Name), f.Name) {
			if other, ok := exact[fold(name)]; ok && other != name {
				return at(name, fmt.Errorf("duplicate entry: %s differs only by case", other))
			}
			exact[fold(name)] = name
		}
		for _, d := range parents(f.Name) {
			dirs[d] = true
		}
	}
	for _, f := range c.files {
		if !f.Dir && dirs[f.Name] {
			return at(f.Name, errors.New("both a file and a directory"))
		}
	}
	return nil
}

// addParents adds the directories that entries imply.
func (c *collector) addParents() {
	have := map[string]bool{}
	for _, f := range c.files {
		have[f.Name] = true
	}
	for _, f := range slices.Clone(c.files) {
		for d := path.Dir(f.Name); d != "." && !have[d]; d = path.Dir(d) {
			have[d] = true
			c.files = append(c.files, &file{Entry: Entry{Name: d, Dir: true, Mode: 0o755}})
		}
	}
}
