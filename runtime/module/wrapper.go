package module

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/safehold/safehold/runtime/ha"
)

// wrappers writes AM_start_wrapper.sh and AM_stop_wrapper.sh: the application
// by hand while the module is stopped (scripts.md section 1.3).
func (s *Store) wrappers(a *Active, bin string) error {
	if a.Config.User == nil {
		return nil
	}
	role := "both"
	if a.Config.Service.Mode == ha.Mirror {
		role = "prim"
	}
	var env strings.Builder
	for _, kv := range s.paths.ModuleEnv(a.Module) {
		export(&env, kv)
	}
	for _, v := range a.Config.User.Vars {
		export(&env, v.Name+"="+v.Value)
	}
	for _, verb := range []string{"start", "stop"} {
		text := fmt.Sprintf("#!/bin/sh\n# Runs %s_%s by hand; only while module %s is stopped on both nodes.\n%sexec \"$SAFEUSERBIN/%s_%s\" \"$@\"\n",
			verb, role, a.Module, env.String(), verb, role)
		path := filepath.Join(bin, fmt.Sprintf("%s_%s_wrapper.sh", a.Module, verb))
		if err := os.WriteFile(path, []byte(text), 0o750); err != nil {
			return fmt.Errorf("write %s: %w", filepath.Base(path), err)
		}
	}
	return nil
}

// export writes one shell assignment, whatever the value holds.
func export(b *strings.Builder, kv string) {
	name, value, _ := strings.Cut(kv, "=")
	fmt.Fprintf(b, "export %s='%s'\n", name, strings.ReplaceAll(value, "'", `'\''`))
}
