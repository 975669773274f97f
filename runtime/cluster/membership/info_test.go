package membership

import (
	"strings"
	"testing"
)

func TestReportsAreBounded(t *testing.T) {
	long := strings.Repeat("x", maxText+1)
	for what, raw := range map[string]string{
		"no JSON":        "x",
		"no node":        `{}`,
		"long node":      `{"node":"` + long + `"}`,
		"long signature": `{"node":"a","signature":"` + long + `"}`,
		"long module":    `{"node":"a","modules":[{"name":"` + long + `"}]}`,
		"many modules":   `{"node":"a","modules":[{}` + strings.Repeat(",{}", maxModules) + `]}`,
		"large":          `{"node":"a","x":"` + strings.Repeat("x", maxReport) + `"}`,
	} {
		if _, err := decodeReport([]byte(raw)); err == nil {
			t.Errorf("%s accepted", what)
		}
	}
}

func TestLateReportIsIgnored(t *testing.T) {
	v := newView()
	for _, tc := range []struct {
		boot, seq uint64
		news      bool
	}{{1, 5, true}, {1, 4, false}, {1, 6, true}, {2, 1, true}} {
		if got := v.tell(report{Node: "a", Boot: tc.boot, Seq: tc.seq}); got != tc.news {
			t.Errorf("boot %d seq %d: %v", tc.boot, tc.seq, got)
		}
	}
}

func FuzzReport(f *testing.F) {
	f.Add([]byte(`{"node":"a","boot":1,"seq":2,"modules":[{"name":"m","mode":1,"id":1}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := decodeReport(raw)
		if err != nil {
			return
		}
		v := newView()
		v.tell(r)
		v.arrive(r.Node, "lan", r.Signature)
		if got := v.info(r.Node, r.Signature); got.Node != r.Node || !got.Reachable {
			t.Errorf("%+v", got)
		}
	})
}
