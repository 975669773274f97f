package failover

import (
	"os"
	"strings"
	"testing"

	"github.com/safehold/safehold/runtime/ha"
)

// TestDocs composes every example of docs/RULES.md, and looks there for every
// built-in label.
func TestDocs(t *testing.T) {
	raw, err := os.ReadFile("../../docs/RULES.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(raw)
	c := defaults(ha.Mirror)
	c.HasRFS, c.SyncAt, c.FlowHeartbeat, c.SyncDelta = true, true, true, 2*syncDeltaDisabled
	s := mustSet(t, c)
	for _, r := range s.Rules() {
		if !strings.Contains(page, "`"+r.Label+"`") {
			t.Errorf("docs/RULES.md does not tell of %s", r.Label)
		}
	}
	blocks := strings.Split(page, "```rules\n")[1:]
	if len(blocks) < 3 {
		t.Errorf("%d examples", len(blocks))
	}
	for _, b := range blocks {
		text, _, _ := strings.Cut(b, "```")
		c := defaults(ha.Mirror)
		c.Sections = []Section{{Text: text, Line: 1}}
		if _, _, err := NewSet(c); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}
