package userconfig

import (
	"encoding/json"
	"errors"
	"flag"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the expected files from what is seen")

const testdata = "../../testdata/userconfig"

// testEnv is node n1 of a cluster of two, with a few files and one more module.
func testEnv() Env {
	vars := map[string]string{"HOMEDIR": "/root", "NOTHING": ""}
	paths := map[string]bool{"/srv/a": true, "/srv/a/b": true, "/srv/b": true, "/srv/vm/web1": true,
		"/srv/été": true, "/srv/used/below": true, "/srv/file": false}
	return Env{
		Module: "m1", Node: "n1", ModuleNodes: []string{"n1", "n2"},
		Cluster: &Cluster{
			Lans: []Lan{{"lonely", []string{"n1"}}, {"default", []string{"n1", "n2"}}, {"private", []string{"n1", "n2"}}},
		},
		Getenv: func(name string) (string, bool) { v, ok := vars[name]; return v, ok },
		Stat: func(path string) (PathInfo, error) {
			dir, ok := paths[path]
			if !ok {
				return PathInfo{}, fs.ErrNotExist
			}
			return PathInfo{Dir: dir}, nil
		},
		Executable: func(name string) error {
			switch name {
			case "vmcheck", "restart_ora":
				return nil
			case "readme":
				return errors.New("permission denied")
			}
			return fs.ErrNotExist
		},
		LocalAddrs: []LocalAddr{
			{"lo", netip.MustParsePrefix("127.0.0.1/8")},
			{"eth0", netip.MustParsePrefix("192.168.1.10/24")},
			{"eth1", netip.MustParsePrefix("10.0.0.1/24")},
		},
		Others: []Other{{Module: "m2", Dirs: []string{"/srv/used"}, VIPs: []string{"192.168.1.77"}}},
		Rules: func(cfg *Config) []RuleProblem {
			var found []RuleProblem
			for _, s := range cfg.Failover.Sections {
				if i := strings.Index(s.Text, "dwon"); i >= 0 {
					line := s.Line + strings.Count(s.Text[:i], "\n")
					found = append(found, RuleProblem{Line: line, Text: "unknown state 'dwon'"})
				}
			}
			return found
		},
	}
}

// envFor bends the world for the files that need another one.
func envFor(file string) Env {
	env := testEnv()
	switch filepath.Base(file) {
	case "u09-no-cluster.xml":
		env.Cluster = &Cluster{}
	case "u19-third-node.xml":
		env.ModuleNodes = []string{"n2", "n3"}
		env.Cluster.Lans[1].Nodes = []string{"n1", "n2", "n3"}
	}
	return env
}

// seen is the content of the expected files beside valid configurations.
type seen struct {
	Warnings []string        `json:"warnings"`
	Later    []string        `json:"later"`
	Rules    []GeneratedRule `json:"rules"`
	Config   *Config         `json:"config"`
}

func TestValidFiles(t *testing.T) {
	for _, file := range glob(t, "valid/*.xml") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			cfg, warnings, err := Parse("userconfig.xml", read(t, file), envFor(file))
			if err != nil {
				t.Fatal(err)
			}
			got := seen{Later: NotYetActedOn(cfg), Rules: cfg.GeneratedRules(), Config: cfg}
			for _, w := range warnings {
				got.Warnings = append(got.Warnings, w.String())
			}
			out, err := json.MarshalIndent(got, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			compare(t, strings.TrimSuffix(file, ".xml")+".json", string(out)+"\n")
			checkRoundTrip(t, cfg)
		})
	}
}

func TestInvalidFiles(t *testing.T) {
	rows := map[string]bool{"u18": true} // TestDynamicChange
	for _, file := range glob(t, "invalid/*.xml") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			cfg, _, err := Parse("userconfig.xml", read(t, file), envFor(file))
			var errs Errors
			if !errors.As(err, &errs) || cfg != nil {
				t.Fatalf("got %v, %v", cfg, err)
			}
			row := strings.ToUpper(filepath.Base(file)[:3])
			found := false
			for _, e := range errs {
				found = found || e.Code == row
			}
			if !found {
				t.Errorf("no error of row %s", row)
			}
			rows[strings.ToLower(row)] = true
			compare(t, strings.TrimSuffix(file, ".xml")+".txt", errs.Error()+"\n")
		})
	}
	for _, row := range strings.Fields("u01 u02 u03 u04 u05 u06 u07 u08 u09 u10 u11 u12 u13 u14 u15 u16 u17 u18 u19") {
		if !rows[row] {
			t.Errorf("no file for row %s", row)
		}
	}
}

// checkRoundTrip wants safeconf.xml to give the same configuration back, and
// the same bytes again.
func checkRoundTrip(t testing.TB, cfg *Config) {
	t.Helper()
	written := WriteSafeconf(cfg)
	back, err := ParseSafeconf("safeconf.xml", written)
	if err != nil {
		t.Fatalf("%v\n%s", err, written)
	}
	if diff := cmp.Diff(withoutLines(cfg), back); diff != "" {
		t.Fatalf("safeconf.xml gives another configuration (-want +got):\n%s\n%s", diff, written)
	}
	if again := WriteSafeconf(back); string(again) != string(written) {
		t.Fatalf("safeconf.xml is not stable: %s", cmp.Diff(string(written), string(again)))
	}
	if changes := Diff(cfg, back); changes != nil {
		t.Fatalf("changes without a change: %v", changes)
	}
}

func withoutLines(cfg *Config) *Config {
	plain := *cfg
	plain.Failover.Sections = nil
	for _, s := range cfg.Failover.Sections {
		plain.Failover.Sections = append(plain.Failover.Sections, Section{Text: s.Text})
	}
	return &plain
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(testdata, pattern))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %v, %v", pattern, files, err)
	}
	return files
}

func read(t testing.TB, file string) []byte {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func compare(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(read(t, file)), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

func seeds(f *testing.F, pattern string) []string {
	f.Helper()
	files, err := filepath.Glob(filepath.Join(testdata, pattern))
	if err != nil || len(files) == 0 {
		f.Fatalf("%s: %v, %v", pattern, files, err)
	}
	return files
}
