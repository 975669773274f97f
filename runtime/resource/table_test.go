package resource

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/safehold/safehold/runtime/ha"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func at(sec int) time.Time { return noon.Add(time.Duration(sec) * time.Second) }

func set(t *testing.T, tab *Table, sec int, name, value string) Change {
	t.Helper()
	r, err := ha.ParseResource(name)
	if err != nil {
		t.Fatal(err)
	}
	c, err := tab.Set(at(sec), Assignment{Resource: r, Value: value, By: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSet(t *testing.T) {
	tab := New()
	web := ha.Resource{Class: "tcp", ID: "web"}
	if c := set(t, tab, 0, "tcp.web", "up"); c.Old != "init" || c.New != "up" || !c.Changed() {
		t.Errorf("%+v", c)
	}
	if c := set(t, tab, 1, "tcp.web", "up"); c.Changed() {
		t.Errorf("%+v", c)
	}
	if e, ok := tab.Get(web); !ok || e != (Entry{web, "up", at(1), "test"}) {
		t.Errorf("%+v", e)
	}
	set(t, tab, 2, "tcp.web", "down")
	set(t, tab, 3, "ip.10.0.0.1", "up")
	if _, err := tab.Set(at(4), Assignment{Resource: web, Value: "down", Force: true}); err != nil {
		t.Error(err)
	}
	if _, err := tab.Set(at(5), Assignment{Resource: web, Value: "up", Quiet: true}); err != nil {
		t.Error(err)
	}
	var got []string
	for _, e := range tab.History(web) {
		got = append(got, fmt.Sprintf("%s %s", e.Value, e.Date.Format("05")))
	}
	if want := []string{"up 00", "down 02", "down 04"}; !cmp.Equal(got, want) {
		t.Errorf("history %v", got)
	}
	if len(tab.History()) != 4 {
		t.Errorf("whole history %v", tab.History())
	}
	if v := tab.Local().Value(web); v != "up" {
		t.Errorf("value %q", v)
	}
	if ids := tab.IDs("ip"); !cmp.Equal(ids, []string{"10.0.0.1"}) {
		t.Errorf("ids %v", ids)
	}
}

func TestDrop(t *testing.T) {
	tab := New()
	set(t, tab, 0, "custom.a", "up")
	set(t, tab, 0, "custom.b", "init")
	set(t, tab, 0, "rfs.uptodate", "up")
	got := tab.Drop(at(1), "heart", func(r ha.Resource) bool { return r.Class == "custom" })
	if len(got) != 1 || got[0].Resource.ID != "a" || got[0].New != "init" || len(tab.List()) != 1 {
		t.Errorf("%+v, %+v", got, tab.List())
	}
}

func TestRemote(t *testing.T) {
	tab := New()
	text := func(list []Change) (out []string) {
		for _, c := range list {
			out = append(out, fmt.Sprintf("%v %s->%s", c.Resource, c.Old, c.New))
		}
		return out
	}
	remote := tab.Remote()
	for _, step := range []struct {
		do   func() []Change
		want []string
	}{
		{func() []Change {
			return tab.SetRemote(map[string]string{"tcp.b": "up", "ip.a": "down", "bad": "x", "custom.x y": "up", "custom.c": "a\nb"}, at(0))
		}, []string{"ip.a init->down", "tcp.b init->up"}},
		{func() []Change { return tab.SetRemote(map[string]string{"tcp.b": "up", "ip.a": "down"}, at(1)) }, nil},
		{func() []Change { return tab.SetRemote(map[string]string{"tcp.b": "down"}, at(2)) }, []string{"ip.a down->init", "tcp.b up->down"}},
		{func() []Change { return tab.ForgetRemote(at(3)) }, []string{"tcp.b down->unknown"}},
		{func() []Change { return tab.ForgetRemote(at(4)) }, nil},
	} {
		if got := text(step.do()); !cmp.Equal(got, step.want) {
			t.Errorf("got %v, want %v", got, step.want)
		}
	}
	if v := remote.Value(ha.Resource{Class: "tcp", ID: "b"}); v != "unknown" {
		t.Errorf("the side does not follow: %q", v)
	}
	if got := tab.ListRemote()[0].Date; got != at(3) {
		t.Errorf("date of an unchanged remote value moved to %v", got)
	}
}

func TestBounds(t *testing.T) {
	tab := New()
	for _, bad := range []Assignment{
		{Resource: ha.Resource{Class: "tcp"}, Value: "up"},
		{Resource: ha.Resource{Class: "a.b", ID: "c"}, Value: "up"},
		{Resource: ha.Resource{Class: "tcp", ID: "a b"}, Value: "up"},
		{Resource: ha.Resource{Class: "tcp", ID: "a\x00"}, Value: "up"},
		{Resource: ha.Resource{Class: "tcp", ID: strings.Repeat("a", MaxName)}, Value: "up"},
		{Resource: ha.Resource{Class: "tcp", ID: "a"}, Value: strings.Repeat("v", MaxValue+1)},
		{Resource: ha.Resource{Class: "tcp", ID: "a"}, Value: "two\nlines"},
		{Resource: ha.Resource{Class: "tcp", ID: "a"}, Value: "\xff"},
	} {
		if _, err := tab.Set(noon, bad); err == nil {
			t.Errorf("%.40v accepted", bad)
		}
	}
	many := map[string]string{}
	for i := range MaxCount + 10 {
		many[fmt.Sprintf("custom.%d", i)] = "up"
	}
	if n := len(tab.SetRemote(many, noon)); n != MaxCount {
		t.Errorf("%d remote resources", n)
	}
	for i := range MaxCount {
		set(t, tab, 0, fmt.Sprintf("custom.%d", i), "up")
	}
	if _, err := tab.Set(noon, Assignment{Resource: ha.Resource{Class: "custom", ID: "more"}, Value: "up"}); err == nil {
		t.Error("no limit on resources")
	}
	if n := len(tab.History()); n != MaxHistory {
		t.Errorf("history of %d", n)
	}
	if last := tab.History()[MaxHistory-1]; last.Resource.ID != fmt.Sprint(MaxCount-1) {
		t.Errorf("newest is %v", last)
	}
}

func TestHistoryFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "resources")
	tab, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	set(t, tab, 0, "tcp.web", "up")
	if err := tab.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteString("{\"t\":\"torn\n\n"); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	if tab, err = Open(path); err != nil {
		t.Fatal(err)
	}
	if h := tab.History(); len(h) != 1 || h[0].Value != "up" || !h[0].Date.Equal(noon) || len(tab.List()) != 0 {
		t.Errorf("history %v, list %v", h, tab.List())
	}
	big := strings.Repeat("v", MaxValue-10)
	for i := range 3000 {
		set(t, tab, i, "custom.big", fmt.Sprintf("%s%d", big, i))
	}
	if err := tab.HistoryErr(); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{path, path + ".1"} {
		if info, err := os.Stat(p); err != nil || info.Size() > maxFile+2*MaxValue || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", info, err)
		}
	}
	if err := tab.Close(); err != nil {
		t.Fatal(err)
	}
	if tab, err = Open(path); err != nil {
		t.Fatal(err)
	}
	h := tab.History()
	if last := h[len(h)-1]; !strings.HasSuffix(last.Value, "2999") {
		t.Errorf("last event read back: %.20s", last.Value)
	}
	if err := tab.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestSnapshot(t *testing.T) {
	tab := New()
	set(t, tab, 0, "tcp.web", "up")
	tab.SetRemote(map[string]string{"ip.1.2.3.4": "down"}, at(1))
	raw, err := json.Marshal(tab)
	if err != nil {
		t.Fatal(err)
	}
	again := New()
	if err := json.Unmarshal(raw, again); err != nil {
		t.Fatal(err)
	}
	if !cmp.Equal(tab.List(), again.List()) || !cmp.Equal(tab.ListRemote(), again.ListRemote()) {
		t.Errorf("%s", raw)
	}
	for _, bad := range []string{`{"local":[{"name":"x"}]}`, `{"remote":[{"name":"a.b","value":"\n"}]}`, `[]`} {
		if err := json.Unmarshal([]byte(bad), again); err == nil {
			t.Errorf("%s accepted", bad)
		}
	}
	if len(again.List()) != 1 {
		t.Error("a refused snapshot altered the table")
	}
}
