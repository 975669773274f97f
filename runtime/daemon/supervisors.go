package daemon

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/safehold/safehold/runtime/control"
	"github.com/safehold/safehold/runtime/ha"
	"github.com/safehold/safehold/runtime/module"
	"github.com/safehold/safehold/runtime/paths"
	"github.com/safehold/safehold/runtime/proc"
)

// Times of the watch over supervisors.
const (
	watchEvery    = time.Second      // a dead supervisor of this daemon is noticed within this time
	askEvery      = 5 * time.Second  // one of an earlier daemon, which has to be asked
	startPatience = 30 * time.Second // until a fresh supervisor answers
	maxOutput     = 1 << 20          // bytes of a supervisor's own output that are kept
)

// supervisors keeps one supervisor running for each configured module.
type supervisors struct {
	paths paths.Tree
	log   logrus.FieldLogger
	store *module.Store

	mu      sync.Mutex // guards everything below
	started map[ha.ModuleName]*proc.Process
	retry   map[ha.ModuleName]backoff
	asked   map[ha.ModuleName]time.Time // when one of an earlier daemon last answered
}

func newSupervisors(cfg Config, store *module.Store) *supervisors {
	return &supervisors{
		paths: cfg.Paths, log: cfg.Log, store: store,
		started: map[ha.ModuleName]*proc.Process{}, retry: map[ha.ModuleName]backoff{},
		asked: map[ha.ModuleName]time.Time{},
	}
}

// backoff spaces the starts of a supervisor that does not stay.
type backoff struct {
	wait time.Duration
	next time.Time
}

// serve looks at every configured module now and then until ctx ends. The
// supervisors stay.
func (s *supervisors) serve(ctx context.Context) error {
	t := time.NewTicker(watchEvery)
	defer t.Stop()
	for {
		s.look(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
	}
}

// look starts the supervisors that are missing.
func (s *supervisors) look(ctx context.Context) {
	reg, err := s.store.Registry()
	if err != nil {
		s.log.WithError(err).Error("the installed modules cannot be read")
		return
	}
	for _, name := range reg.Names() {
		if reg.Modules[name].Mode == "" || s.there(ctx, name) {
			continue
		}
		if err := s.start(name, time.Now()); err != nil {
			s.log.WithError(err).WithField("module", name).Error("supervisor does not start")
		}
	}
	s.dismiss(ctx, reg)
}

// dismiss ends supervisors of modules that were deconfigured while they were
// starting.
func (s *supervisors) dismiss(ctx context.Context, reg module.Registry) {
	s.mu.Lock()
	var over []ha.ModuleName
	for name := range s.started {
		if reg.Modules[name].Mode == "" {
			over = append(over, name)
		}
	}
	s.mu.Unlock()
	for _, name := range over {
		err := control.Dial(s.paths.SupervisorSocket(name)).Call(ctx, control.PathLeave, control.None{}, nil)
		if err != nil && !errors.Is(err, control.ErrDown) {
			s.log.WithError(err).WithField("module", name).Warn("supervisor of a module that is not configured")
		}
		s.forget(name)
	}
}

// forget drops what is known of the module's supervisor once it has ended.
func (s *supervisors) forget(name ha.ModuleName) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.started[name]
	if p == nil {
		return
	}
	select {
	case <-p.Done():
		delete(s.started, name)
		delete(s.retry, name)
	default:
	}
}

// there tells whether the module's supervisor runs, as cheaply as it can be
// known: a hundred small questions a second would keep an idle node busy.
func (s *supervisors) there(ctx context.Context, name ha.ModuleName) bool {
	s.mu.Lock()
	p, asked := s.started[name], s.asked[name]
	s.mu.Unlock()
	if p != nil {
		select {
		case <-p.Done():
		default:
			return true
		}
	}
	if p == nil && time.Since(asked) < askEvery {
		return true
	}
	up := s.answers(ctx, name)
	s.mu.Lock()
	defer s.mu.Unlock()
	if up {
		s.asked[name] = time.Now()
	} else {
		delete(s.asked, name)
	}
	return up
}

// answers asks the module's supervisor for a sign of life.
func (s *supervisors) answers(ctx context.Context, name ha.ModuleName) bool {
	call, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	err := control.Dial(s.paths.SupervisorSocket(name)).Call(call, control.PathGet, control.Get{Resource: "state.local"}, nil)
	return !errors.Is(err, control.ErrDown)
}

// start starts the module's supervisor unless it runs already or has just died.
func (s *supervisors) start(name ha.ModuleName, now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.started[name]; p != nil {
		select {
		case <-p.Done():
			s.log.WithFields(logrus.Fields{"module": name, "exit": p.Wait().String()}).Warn("supervisor ended")
		default:
			return nil // still opening its socket
		}
	}
	b := s.retry[name]
	if now.Before(b.next) {
		return nil
	}
	if now.Sub(b.next) > time.Minute {
		b.wait = 0
	}
	b.wait = min(max(2*b.wait, 200*time.Millisecond), 30*time.Second)
	b.next = now.Add(b.wait)
	s.retry[name] = b
	p, err := s.launch(name)
	if err != nil {
		return err
	}
	s.started[name] = p
	s.log.WithFields(logrus.Fields{"module": name, "pid": p.PID()}).Info("supervisor started")
	return nil
}

func (s *supervisors) launch(name ha.ModuleName) (*proc.Process, error) {
	if err := os.MkdirAll(s.paths.UserVar(name), 0o700); err != nil {
		return nil, fmt.Errorf("start supervisor of %s: %w", name, err)
	}
	path := filepath.Join(s.paths.UserVar(name), "supervisor.out")
	if info, err := os.Stat(path); err == nil && info.Size() > maxOutput {
		if err := os.Rename(path, path+".1"); err != nil {
			return nil, fmt.Errorf("start supervisor of %s: %w", name, err)
		}
	}
	out, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("start supervisor of %s: %w", name, err)
	}
	defer out.Close()
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("start supervisor of %s: %w", name, err)
	}
	return proc.Start(proc.Spec{
		Path: self, Args: []string{"supervise", string(name)}, Env: append(os.Environ(), s.paths.Env()...), Dir: "/",
		Stdout: out, Stderr: out,
	})
}

// ensure returns when the module's supervisor answers.
func (s *supervisors) ensure(ctx context.Context, name ha.ModuleName) error {
	if _, err := module.LoadActive(s.paths, name); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	for !s.answers(ctx, name) {
		if err := s.start(name, time.Now()); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the supervisor of %s does not answer: see %s", name, filepath.Join(s.paths.UserVar(name), "supervisor.out"))
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}
