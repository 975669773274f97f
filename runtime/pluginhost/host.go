package pluginhost

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/safehold/safehold/plugins/api"
)

// Errors that end Serve: starting again would give the same.
var (
	// ErrVersion: the plugin speaks no version of the contract that this side knows.
	ErrVersion = errors.New("incompatible version of the plugin contract")
	// ErrChanged: the executable is not the one whose checksum was recorded.
	ErrChanged = errors.New("the executable changed since it was configured")
	// ErrUnrecorded: no checksum was recorded for a third-party executable.
	ErrUnrecorded = errors.New("no checksum is recorded for the executable")
)

// ErrUndead: Serve was told to end, and the kernel does not let the killed
// process go (uninterruptible sleep, as on a dead disk).
var ErrUndead = errors.New("the process was killed and does not die")

// undead is how long the death of a killed process may take before others are told.
const undead = 5 * time.Second

// Config is what a Host needs.
type Config struct {
	Log logrus.FieldLogger
	// SocketDir holds the plugins' sockets. It is this Host's own: made with
	// mode 0700 and emptied by New.
	SocketDir string
	// Self is this executable: os.Executable().
	Self string
	// Checksums gives the SHA-256, hexadecimal, of each third-party executable by its path.
	Checksums map[string]string
	// Env is added to the plugins' environment, KEY=value. Of this process's own
	// environment they get only PATH, HOME, LANG, TZ and TMPDIR.
	Env    []string
	Timing Timing
}

// Timing is how patient a Host is. Zero fields take the defaults.
type Timing struct {
	Start    time.Duration // a plugin must be there after this; 30 s
	Every    time.Duration // between two liveness pings; 5 s
	Deadline time.Duration // a ping unanswered for this long: hung; 5 s
	Grace    time.Duration // between TERM and KILL of a stop; 12 s, more than api.CloseGrace
	Backoff  Backoff
}

func (t Timing) withDefaults() Timing {
	set := func(d *time.Duration, def time.Duration) {
		if *d <= 0 {
			*d = def
		}
	}
	set(&t.Start, 30*time.Second)
	set(&t.Every, 5*time.Second)
	set(&t.Deadline, 5*time.Second)
	set(&t.Grace, 12*time.Second)
	t.Backoff = t.Backoff.withDefaults()
	return t
}

// Plugin says what to start.
type Plugin struct {
	Name string // rfs, heartbeat, checkers, or a third party's: in logs and messages
	// Path of a third-party executable, absolute; "" for a built-in plugin.
	Path string
	Args []string // of a third-party executable
	Env  []string // for this plugin only
	// Orphan is sent to the plugin when this process dies; 0 = SIGKILL. A plugin
	// that must tidy up (rfs unmounts) takes SIGTERM, and is then on its honour.
	Orphan syscall.Signal
}

// Host starts plugins. It owns no goroutine; each Supervised has its own Serve.
type Host struct {
	cfg Config
}

// socketNameMax is what go-plugin adds to SocketDir, bytes: a folder and a name.
const socketNameMax = len("/plugin-dir4294967295/plugin4294967295")

// New checks the configuration and prepares SocketDir.
func New(cfg Config) (*Host, error) {
	cfg.Timing = cfg.Timing.withDefaults()
	if limit := len(syscall.RawSockaddrUnix{}.Path) - 1; len(cfg.SocketDir)+socketNameMax > limit {
		return nil, fmt.Errorf("prepare plugin sockets in %s: the path is longer than %d bytes; use a shorter SAFEVAR",
			cfg.SocketDir, limit-socketNameMax)
	}
	if !filepath.IsAbs(cfg.SocketDir) {
		return nil, fmt.Errorf("prepare plugin sockets in %q: not an absolute path", cfg.SocketDir)
	}
	if err := os.RemoveAll(cfg.SocketDir); err != nil {
		return nil, fmt.Errorf("prepare plugin sockets: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(cfg.SocketDir), 0o755); err != nil {
		return nil, fmt.Errorf("prepare plugin sockets: %w", err)
	}
	if err := os.Mkdir(cfg.SocketDir, 0o700); err != nil {
		return nil, fmt.Errorf("prepare plugin sockets: %w", err)
	}
	return &Host{cfg: cfg}, nil
}

// Heartbeat prepares a heartbeat plugin; nothing runs before Serve.
func (h *Host) Heartbeat(p Plugin, e Events[api.Heartbeat]) *Supervised[api.Heartbeat] {
	return newSupervised(h, api.KindHeartbeat, p, e)
}

// Replicator prepares a replication plugin; nothing runs before Serve.
func (h *Host) Replicator(p Plugin, e Events[api.Replicator]) *Supervised[api.Replicator] {
	return newSupervised(h, api.KindReplication, p, e)
}

// Checker prepares a checker plugin; nothing runs before Serve.
func (h *Host) Checker(p Plugin, e Events[api.Checker]) *Supervised[api.Checker] {
	return newSupervised(h, api.KindChecker, p, e)
}

// path and args of what is executed.
func (h *Host) command(p Plugin) (string, []string) {
	if p.Path == "" {
		return h.cfg.Self, []string{"plugin", p.Name}
	}
	return p.Path, p.Args
}

func (h *Host) environment(p Plugin) []string {
	var env []string
	for _, key := range []string{"PATH", "HOME", "LANG", "TZ", "TMPDIR"} {
		if v, ok := os.LookupEnv(key); ok {
			env = append(env, key+"="+v)
		}
	}
	env = append(env, h.cfg.Env...)
	env = append(env, p.Env...)
	return append(env, api.LifelineEnv+"=stdin")
}
