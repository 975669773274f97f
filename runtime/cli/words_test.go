package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestArrange(t *testing.T) {
	for _, c := range []struct{ given, want string }{
		{"start -m app", "start -m app"},
		{"-p", "env"},
		{"-r boundcmd 10 sleep -m 5", "run boundcmd 10 sleep -m 5"},
		{"-H * state -m app", "remote --servers=* -- state -m app"},
		{"-H n1,n2 -G", "remote --servers=n1,n2 --cluster"},
		{"-H [http],10.0.0.107 -E app", "remote --servers=[http],10.0.0.107 --deploy=app"},
		{"state -lq -m app", "state --lq -m app"},
		{"kill -name=java -argregex=-Dx -level=test", "kill --name=java --argregex=-Dx --level=test"},
		{"webservercfg -passwd -secret", "webservercfg --passwd -secret"},
		{"printi -m app -- -lq is a word", "printi -m app -- -lq is a word"},
		{"printe -lq is a word -m app", "printe -m app -- -lq is a word"},
		{"log -m app -l en -s 5", "log -m app -l en -s 5"},
	} {
		got, err := arrange(strings.Fields(c.given))
		if diff := cmp.Diff(strings.Fields(c.want), got); diff != "" || err != nil {
			t.Errorf("%s: %v\n%s", c.given, err, diff)
		}
	}
	for _, bad := range []string{"-H", "-H *", "-H * -E"} {
		if _, err := arrange(strings.Fields(bad)); err == nil {
			t.Errorf("%s: no error", bad)
		}
	}
}

func TestParseDate(t *testing.T) {
	zone := time.FixedZone("here", 3600)
	for given, want := range map[string]string{
		"2026-01-31":           "2026-01-30T23:00:00Z",
		"2026-01-31Z":          "2026-01-31T00:00:00Z",
		"2026-01-31 12:00:00":  "2026-01-31T11:00:00Z",
		"2026-01-31T12:00:00Z": "2026-01-31T12:00:00Z",
	} {
		got, err := parseDate(given, zone)
		if err != nil || got.UTC().Format(time.RFC3339) != want {
			t.Errorf("%s: got %v, %v; want %s", given, got, err, want)
		}
	}
	for _, bad := range []string{"", "yesterday", "2026-13-01", "2026-01-31 12:00"} {
		if _, err := parseDate(bad, zone); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
}

func TestSecretsAreNotRecorded(t *testing.T) {
	a := &App{words: []string{"webservercfg", "-passwd", "hush", "-rcmdpasswd=hush", "--passwd", "hush"}, Getenv: func(string) string { return "" }}
	if got := a.recorded(); strings.Contains(got, "hush") || !strings.HasSuffix(got, " -u root") {
		t.Errorf("recorded %q", got)
	}
}

func TestMessage(t *testing.T) {
	for _, c := range []struct{ key, args, want string }{
		{"RFS_STOP_PROC", "/data TERM %s", "Processes using /data get the signal TERM: %s"},
		{"RFS_STOP_PROC", "/data", "RFS_STOP_PROC /data"},
		{"OTHER", "a b", "OTHER a b"},
	} {
		if got := message(c.key, strings.Fields(c.args)); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestMatching(t *testing.T) {
	all := []process{
		{pid: 10, name: "java", words: []string{"/usr/bin/java", "-Dapp=shop"}},
		{pid: 11, name: "java", words: []string{"java", "-Dapp=mail"}},
		{pid: 12, name: "a-name-longer-t", words: []string{"/opt/a-name-longer-than-fifteen"}},
		{pid: 13, name: "kworker"},
	}
	for _, c := range []struct {
		name, expr string
		want       []int
	}{
		{"java", "", []int{10, 11}},
		{"java", "app=shop$", []int{10}},
		{"a-name-longer-than-fifteen", "", []int{12}},
		{"all", "app=", []int{10, 11}},
		{"", "kworker", []int{13}},
		{"jav", "", nil},
	} {
		found, err := matching(all, c.name, c.expr)
		if err != nil {
			t.Fatal(err)
		}
		var got []int
		for _, p := range found {
			got = append(got, p.pid)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s %q: %s", c.name, c.expr, diff)
		}
	}
	if _, err := matching(all, "java", "("); err == nil {
		t.Error("a bad expression is accepted")
	}
}
