package supervisor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/sirupsen/logrus"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/safehold/safehold/runtime/automaton"
	"github.com/safehold/safehold/runtime/control"
	"github.com/safehold/safehold/runtime/failover"
	"github.com/safehold/safehold/runtime/ha"
	"github.com/safehold/safehold/runtime/modlog"
	"github.com/safehold/safehold/runtime/module"
	"github.com/safehold/safehold/runtime/paths"
	"github.com/safehold/safehold/runtime/resource"
	"github.com/safehold/safehold/runtime/script"
)

// Config is what a Supervisor is made from.
type Config struct {
	Paths  paths.Tree
	Module ha.ModuleName
	Log    logrus.FieldLogger // of the process; the module log is the supervisor's own
	Self   string             // this executable, for built-in plugins
	// Reboot restarts the host (automatic_reboot).
	Reboot func() error
}

// Supervisor runs one module. Make it with New, run it with Serve.
type Supervisor struct {
	cfg   Config
	log   logrus.FieldLogger
	inbox chan func()

	// The loop owns everything below.
	active    *module.Active
	modlog    *modlog.Log
	durable   durable
	facts     factsFile
	machine   *automaton.Machine
	rules     *failover.Machine
	ruleSet   *failover.Set
	resources *resource.Table
	runner    *script.Runner

	local, remote ha.Role
	localSince    time.Time
	remoteSeen    time.Time
	rule          string               // label of the rule last applied
	waiting       string               // why WAIT does not go on
	peer          *automaton.PeerState // the newest word of the peer, nil while it is silent
	published     *automaton.PeerState
	links         map[string]bool // known states of the heartbeats
	refused       []string        // by the command being stepped
	queue         []automaton.Event
	stepping      bool
	armed         time.Duration // next Tick wanted; 0 = none
	nextRules     time.Duration

	script   *runningScript
	plugins  *plugins // nil in STOP
	data     dataView
	watch    checkWatch
	handling map[string]bool // errd handlers in progress, by process
	awaiting []*awaiter
	leave    func() // ends Serve
	ctx      context.Context
	group    *errgroup.Group
}

// New loads the module's active configuration and what it remembers.
func New(cfg Config) (*Supervisor, error) {
	active, err := module.LoadActive(cfg.Paths, cfg.Module)
	if err != nil {
		return nil, err
	}
	dir := cfg.Paths.UserVar(cfg.Module)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("module %s: %w", cfg.Module, err)
	}
	s := &Supervisor{
		cfg: cfg, log: cfg.Log, active: active,
		inbox: make(chan func(), 256),
		facts: openFacts(dir),
		links: map[string]bool{}, handling: map[string]bool{},
		local: ha.Role{}, remote: unknownPeer,
	}
	if s.modlog, err = modlog.Open(filepath.Join(dir, "log"), string(cfg.Module), modlog.Options{}); err != nil {
		return nil, err
	}
	if s.durable, err = s.facts.load(); err != nil {
		return nil, errors.Join(err, s.modlog.Close())
	}
	if s.resources, err = resource.Open(filepath.Join(dir, "resources")); err != nil {
		return nil, errors.Join(err, s.modlog.Close())
	}
	if err := s.adopt(); err != nil {
		return nil, errors.Join(err, s.modlog.Close())
	}
	s.localSince = time.Now()
	return s, nil
}

// unknownPeer is the role of a peer that was not heard.
var unknownPeer = ha.Role{State: ha.Unknown, Status: ha.StatusUnknown}

// Serve answers commands and runs the module until ctx ends or the daemon asks
// it to leave. A module that runs when ctx ends is stopped first.
func (s *Supervisor) Serve(ctx context.Context) error {
	l, err := control.Listen(s.cfg.Paths.SupervisorSocket(s.cfg.Module))
	if err != nil {
		return err
	}
	serving, cancel := context.WithCancel(ctx)
	defer cancel()
	s.leave = cancel
	s.group, s.ctx = errgroup.WithContext(serving)
	s.group.Go(func() error { return control.Serve(s.ctx, l, s.handlers()) })
	loopErr := s.loop(s.ctx)
	cancel()
	return errors.Join(loopErr, s.group.Wait(), s.resources.Close(), s.modlog.Close())
}

// loop is the actor.
func (s *Supervisor) loop(ctx context.Context) error {
	s.publishSettings()
	s.resumeAfterCrash()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	defer s.stopPlugins()
	for {
		timer.Reset(s.untilNext())
		select {
		case <-ctx.Done():
			return nil
		case f := <-s.inbox:
			f()
		case <-timer.C:
			s.onTime()
		}
		if s.local.State == ha.Wait {
			s.evaluate()
		}
		s.wakeAwaiters()
		if err := s.facts.failure(); err != nil {
			return err
		}
	}
}

// post hands f to the loop; it gives up when the supervisor ends.
func (s *Supervisor) post(f func()) {
	select {
	case s.inbox <- f:
	case <-s.ctx.Done():
	}
}

// now is the boot clock: it never goes back and counts suspension.
func now() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		panic("supervisor: no boot clock: " + err.Error())
	}
	return time.Duration(ts.Nano())
}

// untilNext is how long the loop may sleep.
func (s *Supervisor) untilNext() time.Duration {
	next := now() + time.Hour
	if s.armed > 0 {
		next = min(next, s.armed)
	}
	if s.nextRules > 0 {
		next = min(next, s.nextRules)
	}
	return max(next-now(), 0)
}

func (s *Supervisor) onTime() {
	t := now()
	if s.armed > 0 && t >= s.armed {
		s.armed = 0
		s.step(automaton.Tick{})
	}
	if s.nextRules > 0 && t >= s.nextRules {
		s.nextRules = t + s.ruleSet.Period()
		s.evaluate()
	}
}
