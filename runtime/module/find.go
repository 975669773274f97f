package module

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/safehold/safehold/runtime/ha"
)

// FindPackage finds the .safe file of an installation: an absolute path as it
// is; else the named file, or AM.safe when file is empty, anywhere below the
// drop-in folder. The backup folder is searched only by explicit name.
func (s *Store) FindPackage(name ha.ModuleName, file string) (string, error) {
	if filepath.IsAbs(file) {
		return file, nil
	}
	want := file
	if want == "" {
		want = string(name) + ".safe"
	}
	if !filepath.IsLocal(want) {
		return "", fmt.Errorf("package %q: want an absolute path or a name below %s", file, s.paths.Packages())
	}
	var found []string
	err := filepath.WalkDir(s.paths.Packages(), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() == "backup" && file == "" {
			return fs.SkipDir
		}
		if d.Type().IsRegular() && (path == want || strings.HasSuffix(path, string(filepath.Separator)+want)) {
			found = append(found, path)
		}
		return nil
	})
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("search package %s: %w", want, err)
	}
	switch len(found) {
	case 0:
		return "", fmt.Errorf("no %s below %s: copy the package there or give its absolute path", want, s.paths.Packages())
	case 1:
		return found[0], nil
	}
	slices.SortFunc(found, func(a, b string) int { return strings.Count(a, "/") - strings.Count(b, "/") })
	if strings.Count(found[0], "/") == strings.Count(found[1], "/") {
		return "", fmt.Errorf("several packages are called %s: %s: give the absolute path", want, strings.Join(found, ", "))
	}
	return found[0], nil
}
