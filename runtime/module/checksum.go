package module

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/safehold/safehold/runtime/ha"
	"github.com/safehold/safehold/runtime/pluginhost"
	"github.com/safehold/safehold/safefmt/userconfig"
)

// checksums judges the checker plugins of the configuration (<custom
// kind="plugin">) and records their executables, by the path they will be
// started from. One that changes afterwards is not started until the module is
// configured again. bin is the staged folder that becomes the module's bin.
func (s *Store) checksums(ctx context.Context, name ha.ModuleName, cfg *userconfig.Config, bin string, out Output) (map[string]string, error) {
	sums := map[string]string{}
	for _, k := range cfg.Checks.Custom {
		if !k.Plugin {
			continue
		}
		now, later := k.Exec, k.Exec
		if !filepath.IsAbs(k.Exec) {
			now, later = filepath.Join(bin, k.Exec), filepath.Join(s.paths.UserBin(name), k.Exec)
		}
		sum, err := trusted(now)
		if err == nil {
			err = s.ask(ctx, question{module: name, check: k, path: now, sum: sum, bin: bin}, out)
		}
		if err != nil {
			return nil, fmt.Errorf("module %s: plugin %s of custom.%s: %w: the configuration is not applied", name, k.Exec, k.Ident, err)
		}
		sums[later] = sum
	}
	return sums, nil
}

// trusted gives the checksum of an executable that nobody but root, or who
// runs this, can write to.
func trusted(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("look at the executable: %w", err)
	}
	if info.Mode().Perm()&0o022 != 0 {
		return "", fmt.Errorf("others than its owner can write to %s: run chmod go-w on it", path)
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok && st.Uid != 0 && int(st.Uid) != os.Geteuid() {
		return "", fmt.Errorf("%s belongs to user %d: run chown root on it", path, st.Uid)
	}
	return pluginhost.Checksum(path)
}
