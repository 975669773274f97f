package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/google/renameio/v2"
)

// errdPoll writes the running processes into SAFEVAR/errdpoll_reserrd, as
// "pid name command (parent=pid)".
func errdPoll(_ context.Context, a *App, args []string) (int, error) {
	if len(args) > 0 {
		return 0, errors.New("no arguments are known")
	}
	all, err := processes()
	if err != nil {
		return 0, err
	}
	var text bytes.Buffer
	for _, p := range all {
		fmt.Fprintf(&text, "%d %s %s (parent=%d)\n", p.pid, p.name, p.text(), p.parent)
	}
	return 0, renameio.WriteFile(filepath.Join(a.Paths.Var, "errdpoll_reserrd"), text.Bytes(), 0o600)
}
