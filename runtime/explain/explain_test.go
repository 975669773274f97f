package explain

import (
	"strings"
	"testing"
	"time"

	"github.com/safehold/safehold/plugins/api"
	"github.com/safehold/safehold/runtime/control"
	"github.com/safehold/safehold/runtime/ha"
)

var at = time.Date(2026, 3, 2, 8, 15, 40, 0, time.UTC)

func view(node, peer ha.NodeName, local, remote string, uptodate string, written bool) control.View {
	role := func(s string) ha.Role {
		r, err := ha.ParseRole(s)
		if err != nil {
			panic(err)
		}
		return r
	}
	d := &api.DataFacts{Consistent: true}
	if written {
		d.History.Current = ha.Generation{1}
	}
	return control.View{
		Module: "vm1", Mode: ha.Mirror, Node: node, Peer: peer, Local: role(local), Remote: role(remote),
		LocalSince: at.Add(-time.Minute), Data: d,
		LocalResources: []control.Resource{{Name: "rfs.uptodate", Value: uptodate}},
	}
}

func TestExplain(t *testing.T) {
	second := view("node2", "node1", "SECOND Ready", "PRIM Ready", "up", true)
	fresh := view("node2", "node1", "WAIT NotReady", "WAIT NotReady", "down", false)
	isolated := view("node2", "node1", "ALONE Ready", "UNKNOWN Unknown", "up", true)
	for _, tc := range []struct {
		name  string
		local control.View
		peer  *control.View
		want  []string
		not   []string
	}{
		{"protected", view("node1", "node2", "PRIM Ready", "SECOND Ready", "up", true), &second,
			[]string{"serves on node1 and is protected", "node2: SECOND Ready"}, []string{"Next:"}},
		{"peer lost", view("node1", "node2", "ALONE Ready", "UNKNOWN Unknown", "up", true), nil,
			[]string{"is NOT protected", "node2: did not answer", "Bring node2"}, nil},
		{"first start", view("node1", "node2", "WAIT NotReady", "WAIT NotReady", "down", false), &fresh,
			[]string{"not served by any node", "first start", "safekit prim -m vm1"}, nil},
		{"stale node alone", view("node2", "node1", "WAIT NotReady", "UNKNOWN Unknown", "down", true), nil,
			[]string{"possibly behind", "Start the module on node1", "Only if node1 is lost for good"}, nil},
		{"split brain", view("node1", "node2", "ALONE Ready", "UNKNOWN Unknown", "up", true), &isolated,
			[]string{"BOTH nodes"}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := Explain(Pair{Local: tc.local, Peer: tc.peer, Now: at})
			for _, want := range tc.want {
				if !strings.Contains(got, want) {
					t.Errorf("missing %q in:\n%s", want, got)
				}
			}
			for _, not := range tc.not {
				if strings.Contains(got, not) {
					t.Errorf("unwanted %q in:\n%s", not, got)
				}
			}
		})
	}
}

func TestProgress(t *testing.T) {
	got := Progress(api.SyncStats{Done: 50 << 20, Total: 200 << 20, Rate: 10 << 20, Remaining: 15 * time.Second})
	if got != "50.0 MiB of 200.0 MiB (25%), 10.0 MiB/s, 15s left" {
		t.Error(got)
	}
}
