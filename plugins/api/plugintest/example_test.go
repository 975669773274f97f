package plugintest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/safehold/safehold/plugins/api"
	"github.com/safehold/safehold/runtime/ha"
)

const repository = "../../.."

// buildExample builds the example in its own module, against this tree and the
// libraries this tree uses today.
func buildExample(t *testing.T) string {
	t.Helper()
	tmp := t.TempDir()
	for from, to := range map[string]string{"testdata/plugin-example/go.mod": "go.mod", "go.sum": "go.sum"} {
		raw, err := os.ReadFile(filepath.Join(repository, from))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(tmp, to), raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out := filepath.Join(tmp, "filecheck")
	build := exec.Command("go", "build", "-modfile="+filepath.Join(tmp, "go.mod"), "-mod=mod", "-o", out, ".")
	build.Dir = filepath.Join(repository, "testdata/plugin-example")
	build.Env = append(os.Environ(), "GOPROXY=off", "GOWORK=off")
	if msg, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the example: %v: %s", err, msg)
	}
	return out
}

func TestExampleOfAThirdParty(t *testing.T) {
	path := buildExample(t)
	file := func(ident, path string) api.Check {
		return api.Check{
			Resource: ha.Resource{Class: "custom", ID: ident}, Kind: "file",
			Attrs: map[string]string{"arg": path}, Interval: 50 * time.Millisecond, Timeout: time.Second,
		}
	}
	bad := file("bad", "")
	Checker(t, func(t *testing.T) api.Checker {
		return Start[api.Checker](t, api.KindChecker, path)
	}, CheckerCase{
		Up:   []api.Check{file("there", "/proc/self")},
		Down: []api.Check{file("missing", "/no/such/file")},
		Bad:  []api.Check{bad},
	})
}
