package generic

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const patience = 2 * time.Minute

// stubSystemctl plays systemd: $UNITS/NAME holds a unit's state; switches are
// files named NAME.fail (does not start) and NAME.stuck (stops only when
// killed), NAME.enabled.
const stubSystemctl = `#!/bin/bash
verb=$1
name=${!#}
unit=$UNITS/$name
case $verb in
cat) [ -e "$unit" ]; exit ;;
is-active) cat "$unit" 2>/dev/null; grep -qx active "$unit" 2>/dev/null; exit ;;
is-enabled) [ -e "$unit.enabled" ]; exit ;;
esac
echo "$*" >>"$UNITS/.log"
case $verb in
start) if [ -e "$unit.fail" ]; then echo failed >"$unit"; else echo active >"$unit"; fi ;;
stop) [ -e "$unit.stuck" ] || echo inactive >"$unit" ;;
kill) rm -f "$unit.stuck" ;;
disable) rm -f "$unit.enabled" ;;
esac
`

const stubSafekit = `#!/bin/bash
echo "$*" >>"$UNITS/.safekit"
`

const stubXpath = `#!/bin/bash
echo "$CONFIGURED_SERVICES"
`

// host is a host with a stub systemd and a copy of one module.
type host struct {
	t     *testing.T
	units string
	bin   string
	vars  []string
}

func newHost(t *testing.T, module, services string) *host {
	t.Helper()
	top := t.TempDir()
	h := &host{t: t, units: filepath.Join(top, "units"), bin: filepath.Join(top, "bin")}
	if err := os.CopyFS(h.bin, os.DirFS(filepath.Join(module, "bin"))); err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{h.units, filepath.Join(top, "path"), filepath.Join(top, "safe")} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	h.write(filepath.Join(top, "path/systemctl"), stubSystemctl)
	h.write(filepath.Join(top, "safe/safekit"), stubSafekit)
	h.write(filepath.Join(top, "safe/xpathGet"), stubXpath)
	h.vars = []string{
		"PATH=" + filepath.Join(top, "path") + ":/usr/sbin:/usr/bin:/sbin:/bin",
		"SAFE=" + filepath.Join(top, "safe"), "SAFEBIN=" + filepath.Join(top, "safe"),
		"SAFEUSERBIN=" + h.bin, "SAFEUSERCONF=" + top, "SAFEMODULE=" + module,
		"UNITS=" + h.units, "SERVICES=" + services, "SERVICE_POLL=0.05", "SERVICE_TIMEOUT=1",
	}
	for s := range strings.SplitSeq(services, ",") {
		if s = strings.TrimSpace(s); s != "" {
			h.unit(s, "inactive\n")
		}
	}
	return h
}

func (h *host) write(path, text string) {
	h.t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		h.t.Fatal(err)
	}
}

// unit writes a unit's state or one of its switches.
func (h *host) unit(name, text string) { h.write(filepath.Join(h.units, name), text) }

func (h *host) read(name string) string {
	data, err := os.ReadFile(filepath.Join(h.units, name))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		h.t.Fatal(err)
	}
	return string(data)
}

func (h *host) log() string     { return h.read(".log") }
func (h *host) safekit() string { return h.read(".safekit") }

// run runs a script and gives its output and exit code.
func (h *host) run(script string, args ...string) (string, int) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(h.bin, script), args...)
	cmd.Env = h.vars
	out, err := cmd.CombinedOutput()
	h.t.Logf("%s %s:\n%s", script, strings.Join(args, " "), out)
	var exit *exec.ExitError
	switch {
	case err == nil:
		return string(out), 0
	case errors.As(err, &exit):
		return string(out), exit.ExitCode()
	}
	h.t.Fatalf("%s: %v", script, err)
	return "", 0
}

func (h *host) expect(code int, script string, args ...string) {
	h.t.Helper()
	if _, got := h.run(script, args...); got != code {
		h.t.Errorf("%s: exit code %d, want %d", script, got, code)
	}
}

// wants checks that a text has every part, in this order.
func wants(t *testing.T, text string, parts ...string) {
	t.Helper()
	rest := text
	for _, p := range parts {
		_, after, ok := strings.Cut(rest, p)
		if !ok {
			t.Errorf("no %q, in this order, in:\n%s", p, text)
			return
		}
		rest = after
	}
}
