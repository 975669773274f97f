package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/safehold/safehold/plugins/api"
)

// Events are what a Supervised tells its owner. They are called by Serve's
// goroutine and should only pass the news on.
type Events[T any] struct {
	// OnUp: the plugin runs and answers; nothing is configured in it yet. ctx
	// ends when this run does.
	OnUp func(ctx context.Context, client T)
	// OnDown: the run that OnUp told of ended, or a start failed. The process is
	// dead, unless the kernel holds it up for more than 5 s. Not called for the
	// end by Serve's context.
	OnDown func(reason error)
}

// Supervised is a plugin that is started again until Serve's context ends.
type Supervised[T any] struct {
	host   *Host
	kind   api.Kind
	plugin Plugin
	events Events[T]
	log    logrus.FieldLogger
	lines  *lineLog

	restart chan string

	mu     sync.Mutex // guards everything below
	up     bool
	client T
	pid    int
}

func newSupervised[T any](h *Host, kind api.Kind, p Plugin, e Events[T]) *Supervised[T] {
	log := h.cfg.Log.WithField("plugin", p.Name)
	return &Supervised[T]{
		host: h, kind: kind, plugin: p, events: e, log: log,
		lines: newLineLog(log), restart: make(chan string, 1),
	}
}

// Client gives the client of the current run, if there is one. A call on a
// client of an earlier run fails with api.ErrGone.
func (s *Supervised[T]) Client() (client T, up bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.client, s.up
}

// PID is the process id of the current run, 0 when there is none.
func (s *Supervised[T]) PID() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pid
}

// Restart kills the current run because it misbehaves; a new one follows.
func (s *Supervised[T]) Restart(reason string) {
	select {
	case s.restart <- reason:
	default:
	}
}

// Serve runs the plugin until ctx ends (nil) or starting it makes no sense
// any more (ErrVersion, ErrChanged, ErrUnrecorded). The child is dead when it
// returns, but for ErrUndead.
func (s *Supervised[T]) Serve(ctx context.Context) error {
	var wait time.Duration
	for attempt := 1; ; attempt++ {
		began := time.Now()
		reason := s.once(ctx, attempt)
		if ctx.Err() != nil {
			if errors.Is(reason, ErrUndead) {
				return reason
			}
			return nil
		}
		if permanent(reason) {
			s.log.WithError(reason).Error("plugin cannot be used")
			return reason
		}
		wait = s.host.cfg.Timing.Backoff.next(wait, time.Since(began))
		s.log.WithError(reason).WithField("wait", wait).Error("plugin is down, starting it again")
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

func permanent(err error) bool {
	return errors.Is(err, ErrVersion) || errors.Is(err, ErrChanged) || errors.Is(err, ErrUnrecorded)
}

// once starts the plugin, serves one run and gives the reason of its end.
func (s *Supervised[T]) once(ctx context.Context, attempt int) error {
	in, err := s.host.start(ctx, s.kind, s.plugin, s.lines)
	if err != nil {
		s.down(ctx, err)
		return err
	}
	client, ok := in.typed.(T)
	if !ok {
		in.kill()
		err := fmt.Errorf("plugin %s gives %T: %w", s.plugin.Name, in.typed, ErrVersion)
		s.down(ctx, err)
		return err
	}
	s.log.WithFields(logrus.Fields{"pid": in.child.process.PID(), "attempt": attempt}).Info("plugin started")
	return s.serveRun(ctx, in, client)
}

func (s *Supervised[T]) down(ctx context.Context, reason error) {
	if s.events.OnDown != nil && ctx.Err() == nil {
		s.events.OnDown(reason)
	}
}

func (s *Supervised[T]) serveRun(ctx context.Context, in *instance, client T) error {
	run, cancel := context.WithCancel(ctx)
	s.drainRestart()
	s.set(true, client, in.child.process.PID())
	var none T
	defer s.set(false, none, 0)

	hung := make(chan error, 1)
	var watchers sync.WaitGroup
	defer watchers.Wait()
	defer cancel()
	watchers.Go(func() { hung <- in.watch(run) })
	watchers.Go(func() {
		select {
		case <-in.child.process.Done():
		case <-run.Done():
		}
		cancel()
	})
	if s.events.OnUp != nil {
		s.events.OnUp(run, client)
	}
	reason := s.await(ctx, in, hung)
	cancel()
	if ctx.Err() != nil {
		return s.end(in.stop, s.host.cfg.Timing.Grace+undead)
	}
	dead := make(chan struct{})
	go func() {
		defer close(dead)
		in.kill()
	}()
	select {
	case <-dead:
	case <-time.After(undead):
		s.log.WithError(reason).Error("plugin was killed and does not die; no new one until it does")
	}
	s.down(ctx, reason)
	select {
	case <-dead:
	case <-ctx.Done():
		return s.end(in.kill, undead)
	}
	return reason
}

// await gives the reason why a run is over.
func (s *Supervised[T]) await(ctx context.Context, in *instance, hung <-chan error) error {
	select {
	case <-ctx.Done():
		return nil
	case <-in.child.process.Done():
		return in.reason()
	case why := <-s.restart:
		return fmt.Errorf("restart asked for: %s", why)
	case err := <-hung:
		if err == nil {
			return in.reason()
		}
		return err
	}
}

// end runs a way to end the process, for a limited time.
func (s *Supervised[T]) end(how func(), limit time.Duration) error {
	dead := make(chan struct{})
	go func() {
		defer close(dead)
		how()
	}()
	select {
	case <-dead:
		return nil
	case <-time.After(limit):
		s.log.Error("plugin was killed and does not die")
		return fmt.Errorf("stop plugin %s: %w", s.plugin.Name, ErrUndead)
	}
}

// drainRestart forgets a wish that was meant for an earlier run.
func (s *Supervised[T]) drainRestart() {
	select {
	case <-s.restart:
	default:
	}
}

func (s *Supervised[T]) set(up bool, client T, pid int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.up, s.client, s.pid = up, client, pid
}
