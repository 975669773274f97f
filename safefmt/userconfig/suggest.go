package userconfig

import (
	"fmt"
	"strings"

	"github.com/agnivade/levenshtein"
)

// The bounds on what is compared: a longer word is no typing mistake.
const (
	maxSuggest    = 64
	maxCandidates = 200
)

// nearest gives the candidate closest to word, or "" when none is close
// enough to be what the writer meant.
func nearest(word string, candidates []string) string {
	if word == "" || len(word) > maxSuggest {
		return ""
	}
	candidates = candidates[:min(len(candidates), maxCandidates)]
	best, bestDist := "", len(word)/3+2
	for _, c := range candidates {
		if c == "" || len(c) > maxSuggest {
			continue
		}
		d := levenshtein.ComputeDistance(strings.ToLower(word), strings.ToLower(c))
		if d < bestDist && d < len(c) {
			candidates = candidates[:min(len(candidates), maxCandidates)]
			best, bestDist = c, d
		}
	}
	return best
}

// didYouMean gives " (did you mean <shape>?)" or "". Shape has one %s.
func didYouMean(word string, candidates []string, shape string) string {
	if c := nearest(word, candidates); c != "" {
		return " (did you mean " + fmt.Sprintf(shape, c) + "?)"
	}
	return ""
}
