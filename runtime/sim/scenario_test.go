package sim

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const scenarios = "../../testdata/scenarios"

// TestScenarios plays every scenario text; each is named after the row of the
// expected-results table (states.md section 11) or the bug it keeps out.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(scenarios, "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Play(string(text), Options{}); err != nil {
				t.Error(err)
			}
		})
	}
}
