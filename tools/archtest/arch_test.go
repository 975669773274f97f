// Package archtest holds the import rules of the project as a test: imports
// point downwards (docs/ARCHITECTURE.md, "Layout").
package archtest

import (
	"os/exec"
	"strings"
	"testing"
)

const root = "github.com/safehold/safehold/"

// allowed says, for the packages below a prefix, which of our packages they may
// import (by prefix), besides packages below themselves. The first match counts.
var allowed = []struct {
	below string
	may   []string
}{
	{"runtime/ha", nil},
	{"runtime/version", nil},
	{"runtime/paths", []string{"runtime/ha"}},
	{"safefmt/userconfig", []string{"runtime/ha"}},
	{"safefmt", nil},
	{"runtime/failover", []string{"runtime/ha"}},
	{"runtime/resource", []string{"runtime/ha"}},
	{"runtime/store", nil},
	{"runtime/modlog", []string{"runtime/ha"}},
	{"runtime/proc", nil},
	{"plugins/api", []string{"runtime/ha"}},
	{"plugins/rfs", []string{"plugins/api", "runtime/ha"}},
	{"plugins/heartbeat", []string{"plugins/api", "runtime/ha"}},
	{"plugins/checkers", []string{"plugins/api", "runtime/ha"}},
	{"runtime/automaton", []string{"plugins/api", "runtime/ha", "runtime/failover"}},
	{"runtime/sim", []string{"plugins/api", "runtime/ha", "runtime/automaton", "runtime/failover"}},
	{"runtime/pluginhost", []string{"plugins/api", "runtime/ha", "runtime/proc"}},
	{"runtime/cluster", []string{"runtime/ha", "runtime/paths", "runtime/store"}},
	{"runtime/control", []string{"plugins/api", "runtime/ha"}},
	{"runtime/script", []string{"runtime/ha", "runtime/proc", "runtime/paths"}},
}

func TestImports(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, root+"...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		pkg, imports := strings.TrimPrefix(fields[0], root), fields[1:]
		for _, imp := range imports {
			if below, ours := strings.CutPrefix(imp, root); ours && !may(pkg, below) {
				t.Errorf("%s imports %s: not below it", pkg, below)
			}
		}
	}
}

func TestCoreDoesNotImportPlugins(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, root+"runtime/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		for _, imp := range fields[1:] {
			if strings.HasPrefix(imp, root+"plugins/") && !strings.HasPrefix(imp, root+"plugins/api") {
				t.Errorf("%s imports %s: the core reaches plugins only through plugins/api", fields[0], imp)
			}
		}
	}
}

func may(pkg, imp string) bool {
	for _, rule := range allowed {
		if !within(pkg, rule.below) {
			continue
		}
		if within(imp, rule.below) {
			return true
		}
		for _, m := range rule.may {
			if within(imp, m) {
				return true
			}
		}
		return false
	}
	return true
}

func within(pkg, prefix string) bool {
	return pkg == prefix || strings.HasPrefix(pkg, prefix+"/")
}
