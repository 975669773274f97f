package module

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/safehold/safehold/runtime/ha"
)

var nameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$`)

// reserved names are used for other things in the same folders.
var reserved = []string{"all", "lastconfig", "backup"}

// ParseName checks a module's name (safe-package.md section 7).
func ParseName(s string) (ha.ModuleName, error) {
	switch {
	case !nameForm.MatchString(s):
		return "", fmt.Errorf("module name %q: want a letter or digit, then up to 31 letters, digits, '_' or '-'", s)
	case slices.Contains(reserved, strings.ToLower(s)):
		return "", fmt.Errorf("module name %q is reserved: choose another", s)
	}
	return ha.ModuleName(s), nil
}
