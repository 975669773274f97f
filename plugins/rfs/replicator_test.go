package rfs

import (
	"os"
	"testing"

	"github.com/safehold/safehold/plugins/api"
)

func TestWritesReachTheSecondary(t *testing.T) {
	a, b := pair(t)
	write(t, a.path("old"), "from before")
	must(t, os.MkdirAll(a.path("d/e"), 0o750))
	write(t, a.path("d/e/f"), text(1<<20))
	together(t, a, b)
	same(t, a, b)
	write(t, a.path("new"), "hello")
	if got := read(t, b.path("new")); got != "hello" {
		t.Fatalf("the secondary shows %q", got)
	}
	a.idle(1)
	b.idle(1)
	same(t, a, b)
	if fa, fb := a.facts(), b.facts(); !fa.Clean || !fb.Clean || fa.PeerBehind || fa.DirtyBytes != 0 || fa.History.Current != fb.History.Current {
		t.Fatalf("facts\n%+v\n%+v", fa, fb)
	}
}

var _ api.Replicator = (*Replicator)(nil)
