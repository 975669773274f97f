package backing

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/safehold/safehold/plugins/api"
)

// Filter decides which names are replicated (userconfig-xml.md section 9,
// notreplicated): a plain expression excludes what it matches, a directory with
// its subtree; when there are "!" expressions, only files that match one of them
// are replicated, and directories are traversed.
type Filter struct {
	paths   []string
	exclude []*regexp.Regexp
	only    []*regexp.Regexp
}

// NewFilter compiles the filters of a directory.
func NewFilter(list []api.Filter) (*Filter, error) {
	f := &Filter{}
	for _, x := range list {
		if x.Path != "" {
			f.paths = append(f.paths, strings.Trim(x.Path, "/"))
			continue
		}
		text, inverted := strings.CutPrefix(x.Regex, "!")
		re, err := regexp.CompilePOSIX(text)
		if err != nil {
			return nil, fmt.Errorf("notreplicated regexpath %q: %w", x.Regex, err)
		}
		if inverted {
			f.only = append(f.only, re)
		} else {
			f.exclude = append(f.exclude, re)
		}
	}
	return f, nil
}

// Replicated tells whether rel belongs to both nodes.
func (f *Filter) Replicated(rel string, dir bool) bool {
	if f == nil || rel == "" || len(f.paths)+len(f.exclude)+len(f.only) == 0 {
		return true
	}
	for _, p := range f.paths {
		if rel == p || strings.HasPrefix(rel, p+"/") {
			return false
		}
	}
	for i := 0; i <= len(rel); i++ {
		if i != len(rel) && rel[i] != '/' {
			continue
		}
		for _, re := range f.exclude {
			if re.MatchString(rel[:i]) {
				return false
			}
		}
	}
	if dir || len(f.only) == 0 {
		return true
	}
	for _, re := range f.only {
		if re.MatchString(rel) {
			return true
		}
	}
	return false
}
