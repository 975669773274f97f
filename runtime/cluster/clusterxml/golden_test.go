package clusterxml

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const fixtures = "../../../testdata/cluster"

// TestGolden parses every fixture: x.xml beside x.golden, which holds the
// canonical form of an accepted file, or the messages of a refused one.
func TestGolden(t *testing.T) {
	for _, kind := range []string{"valid", "invalid"} {
		files, err := filepath.Glob(filepath.Join(fixtures, kind, "*.xml"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no fixtures of kind %s: %v", kind, err)
		}
		for _, file := range files {
			t.Run(kind+"/"+filepath.Base(file), func(t *testing.T) {
				golden(t, file, kind == "valid")
			})
		}
	}
}

func golden(t *testing.T, file string, valid bool) {
	src, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	cfg, warnings, err := Parse(filepath.Base(file), src)
	if (err == nil) != valid {
		t.Fatalf("error %v, valid %v", err, valid)
	}
	var got strings.Builder
	for _, w := range warnings {
		got.WriteString("warning: " + w.String() + "\n")
	}
	if err != nil {
		got.WriteString(err.Error() + "\n")
	} else {
		got.Write(Encode(cfg))
	}
	path := strings.TrimSuffix(file, ".xml") + ".golden"
	if *update {
		if err := os.WriteFile(path, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Error(diff)
	}
}

func TestMistakesCarryTheirPlace(t *testing.T) {
	_, _, err := Parse("c.xml", []byte("<cluster><lans>\n<lan name='x'/>\n</lans></cluster>"))
	var ms Mistakes
	if !errors.As(err, &ms) || len(ms) != 1 || ms[0].Line != 2 || ms[0].File != "c.xml" {
		t.Errorf("%#v", err)
	}
}
