package supervisor

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/safehold/safehold/runtime/control"
	"github.com/safehold/safehold/runtime/ha"
	"github.com/safehold/safehold/runtime/modlog"
	"github.com/safehold/safehold/runtime/module"
	"github.com/safehold/safehold/runtime/paths"
)

// patience bounds a wait for something that must come, on a busy machine.
const patience = time.Minute

// rig is a configured light module with its supervisor running in this process.
type rig struct {
	*control.Client
	t    *testing.T
	tree paths.Tree
	stop func() error
}

// trace is a script that tells its call; each script of the module is one.
const trace = `#!/bin/sh
echo "$(basename "$0") $*" >>"$SAFEUSERVAR/trace"
`

func newRig(t *testing.T, xml string, scripts map[string]string) *rig {
	t.Helper()
	r := editRig(t, xml, scripts)
	if err := r.install(); err != nil {
		t.Fatal(err)
	}
	r.configure()
	r.serve()
	return r
}

// editRig writes the module's files; nothing is installed yet.
func editRig(t *testing.T, xml string, scripts map[string]string) *rig {
	t.Helper()
	r := &rig{t: t, tree: paths.Tree{Safe: t.TempDir(), Var: t.TempDir()}}
	edited := r.tree.Edited("app")
	for _, dir := range []string{"conf", "bin"} {
		if err := os.MkdirAll(filepath.Join(edited, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	files := map[string]string{"conf/userconfig.xml": xml}
	for _, name := range []string{"prestart", "start_both", "stop_both", "poststop", "transition"} {
		files["bin/"+name] = trace
	}
	for name, body := range scripts {
		files["bin/"+name] = trace + body
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(edited, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func (r *rig) store() *module.Store {
	return module.Open(r.tree, func(ha.ModuleName) (ha.Role, bool) { return ha.Role{}, false }, time.Now)
}

// install registers the module by way of its own package.
func (r *rig) install() error {
	file := filepath.Join(r.tree.Packages(), "app.safe")
	if err := packRig(r.t.Context(), r.tree.Edited("app"), file); err != nil {
		return err
	}
	_, err := r.store().Install(r.t.Context(), module.InstallOptions{Name: "app"})
	return err
}

func (r *rig) configure() {
	r.t.Helper()
	if said, err := r.tryConfigure(); err != nil {
		r.t.Fatalf("%v\n%s", err, said)
	}
}

func (r *rig) tryConfigure() (said string, err error) {
	var out bytes.Buffer
	err = r.store().Configure(r.t.Context(), "app", nil, module.Output{Text: &out})
	return out.String(), err
}

func (r *rig) serve() {
	r.t.Helper()
	log := logrus.New()
	log.SetOutput(r.t.Output())
	s, err := New(Config{Paths: r.tree, Module: "app", Log: log, Self: "/nonexistent", Reboot: func() error { return nil }})
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	stopped := false
	r.stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		return <-done
	}
	r.t.Cleanup(func() {
		if err := r.stop(); err != nil {
			r.t.Errorf("supervisor: %v", err)
		}
	})
	r.Client = control.Dial(r.tree.SupervisorSocket("app"))
	r.eventually("the socket answers", func() bool {
		return !errors.Is(r.Call(r.t.Context(), control.PathGet, control.Get{Resource: "state.local"}, nil), control.ErrDown)
	})
}

func (r *rig) eventually(what string, ok func() bool) {
	r.t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			r.t.Fatalf("never: %s\ntrace: %q\nlog:\n%s", what, r.trace(), strings.Join(r.logged(), "\n"))
		}
	}
}

func (r *rig) command(verb ha.Verb, identity string) error {
	return r.Call(r.t.Context(), control.PathCommand, control.Command{Verb: verb, Who: "root", Identity: identity}, nil)
}

func (r *rig) must(verb ha.Verb) {
	r.t.Helper()
	if err := r.command(verb, ""); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) reach(st ha.State) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	if err := r.Call(ctx, control.PathAwait, control.Await{What: control.AwaitState, State: st}, nil); err != nil {
		r.t.Fatalf("never %v: %v\ntrace: %q\nlog:\n%s", st, err, r.trace(), strings.Join(r.logged(), "\n"))
	}
}

// trace is the scripts called so far.
func (r *rig) trace() []string {
	raw, _ := os.ReadFile(filepath.Join(r.tree.UserVar("app"), "trace"))
	return strings.Split(strings.TrimSpace(string(raw)), "\n")
}

func (r *rig) logged() []string {
	lines, _ := modlog.Tail(filepath.Join(r.tree.UserVar("app"), "log"), 300, true)
	var out []string
	for _, l := range lines {
		out = append(out, l.Text)
	}
	return out
}

// logs waits until the log holds the texts in this order, others between them.
func (r *rig) logs(want ...string) {
	r.t.Helper()
	r.eventually("the log holds "+strings.Join(want, " … "), func() bool {
		left := want
		for _, line := range r.logged() {
			if len(left) > 0 && strings.Contains(line, left[0]) {
				left = left[1:]
			}
		}
		return len(left) == 0
	})
}

const plain = `<safe><service mode="light"><failover period="100ms" handle_time="0ms"/><user nicestoptimeout="60s" forcestoptimeout="60s"/></service></safe>`

func TestLightLife(t *testing.T) {
	r := newRig(t, plain, nil)
	r.must(ha.VerbStart)
	r.reach(ha.Up)
	r.must(ha.VerbRestart)
	r.logs("Action start called by root", "Local state UP Ready", "Action restart called by root", "Script stop_both", "Script start_both", "Local state UP Ready")
	r.reach(ha.Up)
	r.must(ha.VerbStop)
	r.reach(ha.Stop)
	want := []string{
		"transition STOP WAIT start", "prestart STOP WAIT start", "transition WAIT UP start", "start_both WAIT UP start",
		"stop_both UP UP", "stop_both force UP UP", "start_both UP UP",
		"stop_both UP WAIT stop", "transition UP WAIT stop", "stop_both force WAIT STOP stop", "poststop WAIT STOP stop", "transition WAIT STOP stop",
	}
	if got := r.trace(); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("scripts:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if err := r.command(ha.VerbStop, ""); err == nil {
		t.Error("a stop in STOP was accepted")
	}
}
