// Package checkers is the built-in checker plugin: tcp, ping and monitored
// processes of one module, in one process.
//
// Goroutines: one per tcp or ping check, one for all monitored processes, and
// one per Run that hands results over. All end when the Run's context does
// without a newer Run.
package checkers

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/safehold/safehold/plugins/api"
	"github.com/safehold/safehold/plugins/checkers/errd"
	"github.com/safehold/safehold/plugins/checkers/ping"
	"github.com/safehold/safehold/plugins/checkers/tcp"
)

// version is what Info tells.
const version = "1"

// probe tests once and gives the latency.
type probe func(ctx context.Context, c api.Check) (time.Duration, error)

// kind is one kind of check. Monitored processes have no probe: they share a poll.
type kind struct {
	identity string
	validate func(api.Check) error
	probe    probe
}

func kinds() map[string]kind {
	return map[string]kind{
		"tcp":  {identity: tcp.Identity, validate: tcp.Validate, probe: tcp.Probe},
		"ping": {identity: ping.Identity, validate: ping.Validate, probe: ping.Probe},
		"proc": {identity: errd.Identity, validate: func(c api.Check) error { _, err := errd.Parse(c); return err }},
	}
}

// Checkers implements api.Checker.
type Checkers struct {
	kinds map[string]kind
	procs *poller

	mu      sync.Mutex // guards everything below
	current *stream    // of the newest Run, nil when none
	running map[string]running
}

// running is a check in progress.
type running struct {
	stop context.CancelFunc
	last api.Result // without fault; zero before the first
}

// New makes the plugin; nothing is checked before Run.
func New() *Checkers {
	return &Checkers{kinds: kinds(), procs: newPoller("/proc"), running: map[string]running{}}
}

// Serve is the main of the plugin process.
func Serve() { api.ServeChecker(New()) }

// Info says who this is.
func (k *Checkers) Info(context.Context) (api.Info, error) {
	return api.Info{Kind: api.KindChecker, Name: "checkers", Version: version}, nil
}

// Kinds lists the kinds of check.
func (k *Checkers) Kinds(context.Context) ([]string, error) {
	return slices.Sorted(maps.Keys(k.kinds)), nil
}

// Validate judges one check.
func (k *Checkers) Validate(_ context.Context, c api.Check) error {
	kind, ok := k.kinds[c.Kind]
	if !ok {
		return fmt.Errorf("check %s: unknown kind %q: %w", c.Resource, c.Kind, api.ErrInvalid)
	}
	if c.Interval <= 0 || c.Timeout <= 0 {
		return fmt.Errorf("check %s: interval %v and timeout %v must be positive: %w", c.Resource, c.Interval, c.Timeout, api.ErrInvalid)
	}
	if err := kind.validate(c); err != nil {
		return fmt.Errorf("check %s: %w", c.Resource, err)
	}
	return nil
}

// key tells whether two checks are the same: fmt prints maps in order.
func key(c api.Check) string { return fmt.Sprintf("%q", []any{c}) }

// Run performs these checks from now on. What an earlier Run learned of checks
// that stay is told again, without faults.
func (k *Checkers) Run(ctx context.Context, checks []api.Check) (<-chan api.Result, error) {
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
func (k *Checkers) start(id string, c api.Check) {
	ctx, stop := context.WithCancel(context.Background())
	k.running[id] = running{stop: stop}
	report := func(r api.Result) { k.report(ctx, id, r) }
	kind := k.kinds[c.Kind]
	if kind.probe == nil {
		k.procs.add(ctx, c, report)
		return
	}
	go repeat(ctx, c, kind, report)
}

func (k *Checkers) report(ctx context.Context, id string, r api.Result) {
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
func (k *Checkers) ended(s *stream) {
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
