package script

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/safehold/safehold/runtime/ha"
	"github.com/safehold/safehold/runtime/paths"
	"github.com/safehold/safehold/runtime/proc"
)

// OtherLimit is the time limit of poststop, transition and update.
const OtherLimit = 300 * time.Second

// killGrace is the time between TERM and KILL of a script that is too slow.
const killGrace = 10 * time.Second

// searchPath of every script (scripts.md section 3).
const searchPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Config is what <user> says, with defaults filled in.
type Config struct {
	NiceStop  time.Duration
	ForceStop time.Duration
	Logging   bool     // keep what scripts print
	LogSize   int64    // bytes; a longer ulog file is emptied
	Vars      []string // NAME=value of <var>
}

// Runner runs the scripts of one module.
type Runner struct {
	paths  paths.Tree
	module ha.ModuleName
	cfg    Config
	base   []string // environment the supervisor itself was started with
	now    func() time.Time
}

// New makes a runner; base is an environment to take over, usually os.Environ().
func New(t paths.Tree, m ha.ModuleName, cfg Config, base []string, now func() time.Time) *Runner {
	return &Runner{paths: t, module: m, cfg: cfg, base: base, now: now}
}

// Run is one script in progress.
type Run struct {
	Process *proc.Process
	Log     string // name of the ulog file, "" when output is not kept
	sweep   chan struct{}
}

// ErrMissing means the module has no such script, which is no fault.
var ErrMissing = errors.New("no such script")

// Start runs a script of the module's bin folder with its arguments. Force is
// the forced form of a stop script, which has a limit of its own.
func (r *Runner) Start(name string, args []string, force bool) (*Run, error) {
	path := filepath.Join(r.paths.UserBin(r.module), name)
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, ErrMissing
	case err != nil:
		return nil, fmt.Errorf("script %s: %w", name, err)
	case info.Mode()&0o111 == 0:
		return nil, fmt.Errorf("script %s is not executable: chmod +x it and run safekit config", name)
	}
	run := &Run{sweep: make(chan struct{})}
	spec := proc.Spec{
		Path: path, Args: args, Env: r.Env(), Dir: r.paths.UserVar(r.module),
		Deadline: r.limit(name, force), Grace: killGrace,
	}
	if r.cfg.Logging {
		f, err := r.openLog(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		run.Log = filepath.Base(f.Name())
		spec.Stdout, spec.Stderr = f, f
	}
	if run.Process, err = proc.Start(spec); err != nil {
		return nil, fmt.Errorf("script %s: %w", name, err)
	}
	go r.bound(run)
	return run, nil
}

// Wait waits for the end of the script.
func (run *Run) Wait() proc.Exit {
	exit := run.Process.Wait()
	<-run.sweep
	return exit
}

// Env is the environment of the module's scripts, checkers and handlers.
func (r *Runner) Env() []string {
	env := keep(r.base)
	env = append(env, r.paths.ModuleEnv(r.module)...)
	return append(append(env, searchPath), r.cfg.Vars...)
}

// keep drops what a script must not inherit.
func keep(base []string) []string {
	out := make([]string, 0, len(base)+16)
	for _, kv := range base {
		switch name(kv) {
		case "PATH", "POSIXLY_CORRECT", "NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "WATCHDOG_USEC", "WATCHDOG_PID",
			"SAFE", "SAFEVAR", "SAFEBIN", "SAFEMODULE", "SAFEUSERBIN", "SAFEUSERCONF", "SAFEUSERVAR":
		default:
			out = append(out, kv)
		}
	}
	return out
}

func name(kv string) string {
	for i := range len(kv) {
		if kv[i] == '=' {
			return kv[:i]
		}
	}
	return kv
}

func (r *Runner) limit(name string, force bool) time.Duration {
	switch name {
	case "stop_prim", "stop_both", "stop_second", "stop_sec":
		if force {
			return r.cfg.ForceStop
		}
		return r.cfg.NiceStop
	case "poststop", "transition", "update":
		return OtherLimit
	default: // start_*, prestart: never kill a slow start
		return 0
	}
}

func (r *Runner) openLog(name string) (*os.File, error) {
	now := r.now()
	file := fmt.Sprintf("userlog_%s_%s.ulog", now.Format("2006-01-02T150405"), name)
	path := filepath.Join(r.paths.UserVar(r.module), file)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY|unix.O_NOFOLLOW, 0o640)
	if err != nil {
		return nil, fmt.Errorf("script %s: %w", name, err)
	}
	if _, err := fmt.Fprintf(f, "----------- %s %s\n", now.Format("2006-01-02T15:04:05"), name); err != nil {
		f.Close()
		return nil, fmt.Errorf("script %s: %w", name, err)
	}
	return f, nil
}

// Kill ends the script and its group at once.
func (run *Run) Kill() { run.Process.Kill() }
