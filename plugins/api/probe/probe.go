// Package probe makes a checker plugin out of tests. It keeps the promises of
// api.Checker, so that an author writes what to look at and nothing else: see
// testdata/plugin-example. The built-in checkers are made with it, too.
//
// Goroutines: one per check, ended with it, and one per Run that hands results
// over. All end when the Run's context does without a newer Run.
package probe

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/safehold/safehold/plugins/api"
)

// Kind is one kind of check.
type Kind struct {
	// Validate judges the attributes; its errors should wrap api.ErrInvalid.
	Validate func(c api.Check) error
	// Watch reports the first value and each change until ctx ends; see Every.
	// It has a goroutine of its own and need not use it.
	Watch func(ctx context.Context, c api.Check, report func(api.Result))
}

// Checker implements api.Checker.
type Checker struct {
	name, version string
	kinds         map[string]Kind

	mu      sync.Mutex // guards everything below
	current *stream    // of the newest Run, nil when none
	running map[string]running
}

// running is a check in progress.
type running struct {
	stop context.CancelFunc
	last api.Result // without fault; zero before the first
}

// New makes a checker of these kinds; nothing is checked before Run.
func New(name, version string, kinds map[string]Kind) *Checker {
	return &Checker{name: name, version: version, kinds: kinds, running: map[string]running{}}
}

// Info says who this is.
func (k *Checker) Info(context.Context) (api.Info, error) {
	return api.Info{Kind: api.KindChecker, Name: k.name, Version: k.version}, nil
}

// Kinds lists the kinds of check.
func (k *Checker) Kinds(context.Context) ([]string, error) {
	return slices.Sorted(maps.Keys(k.kinds)), nil
}

// Validate judges one check.
func (k *Checker) Validate(_ context.Context, c api.Check) error {
	kind, ok := k.kinds[c.Kind]
	if !ok {
		return fmt.Errorf("check %s: unknown kind %q: %w", c.Resource, c.Kind, api.ErrInvalid)
	}
	if c.Interval <= 0 || c.Timeout <= 0 {
		return fmt.Errorf("check %s: interval %v and timeout %v must be positive: %w", c.Resource, c.Interval, c.Timeout, api.ErrInvalid)
	}
	if err := kind.Validate(c); err != nil {
		return fmt.Errorf("check %s: %w", c.Resource, err)
	}
	return nil
}

// key tells whether two checks are the same: fmt prints maps in order.
func key(c api.Check) string { return fmt.Sprintf("%q", []any{c}) }

// Run performs these checks from now on. What an earlier Run learned of checks
// that stay is told again, without faults.
func (k *Checker) Run(ctx context.Context, checks []api.Check) (<-chan api.Result, error) {
	wanted := make(map[string]api.Check, len(checks))
	for _, c := range checks {
		if err := k.Validate(ctx, c); err != nil {
			return nil, err
		}
		wanted[key(c)] = c
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.current != nil {
		k.current.stop()
	}
	s := newStream()
	k.current = s
	for id, r := range k.running {
		if _, stays := wanted[id]; !stays {
			r.stop()
			delete(k.running, id)
		} else if r.last.Value != "" {
			s.add(r.last)
		}
	}
	for id, c := range wanted {
		if _, runs := k.running[id]; !runs {
			k.start(id, c)
		}
	}
	go func() {
		s.run(ctx)
		k.ended(s)
	}()
	return s.out, nil
}

// start begins one check; its results go to whichever Run is current.
func (k *Checker) start(id string, c api.Check) {
	ctx, stop := context.WithCancel(context.Background())
	k.running[id] = running{stop: stop}
	go k.kinds[c.Kind].Watch(ctx, c, func(r api.Result) { k.report(ctx, id, r) })
}

func (k *Checker) report(ctx context.Context, id string, r api.Result) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if ctx.Err() != nil {
		return // stopped meanwhile
	}
	now := k.running[id]
	now.last = r
	now.last.Fault = ""
	k.running[id] = now
	if k.current != nil {
		k.current.add(r)
	}
}

// ended stops everything when the newest Run is over.
func (k *Checker) ended(s *stream) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.current != s {
		return
	}
	k.current = nil
	for _, r := range k.running {
		r.stop()
	}
	clear(k.running)
}
