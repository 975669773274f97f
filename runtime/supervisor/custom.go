package supervisor

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/safehold/safehold/runtime/automaton"
	"github.com/safehold/safehold/runtime/ha"
	"github.com/safehold/safehold/runtime/proc"
	"github.com/safehold/safehold/safefmt/userconfig"
)

// A custom checker that ends by itself is started again after customPause; its
// resource goes down after customStrikes ends in a row, each within customShort
// (userconfig-xml.md section 13.6).
const (
	customPause   = 10 * time.Second
	customStrikes = 3
	customShort   = time.Minute
	customGrace   = 5 * time.Second
)

// customRun is a custom checker, script or plugin, that is kept running until stop.
type customRun struct {
	stop context.CancelFunc // returns before the script has ended
	done chan struct{}      // closed when it has
}

// startCustom starts a custom checker. It begins when the earlier run of the
// same checker, if any, has ended.
func (s *Supervisor) startCustom(c userconfig.CustomCheck, earlier *customRun) *customRun {
	ctx, cancel := context.WithCancel(s.ctx)
	r := &customRun{stop: cancel, done: make(chan struct{})}
	keep := s.customScript(c)
	if c.Plugin {
		keep = s.customPlugin(c, r)
	}
	s.plugins.group.Go(func() error {
		defer close(r.done)
		defer cancel()
		if earlier != nil {
			<-earlier.done
		}
		keep(ctx)
		return nil
	})
	return r
}

// customScript prepares an endless script: exec MODULE RESOURCE [arg…].
func (s *Supervisor) customScript(c userconfig.CustomCheck) (keep func(context.Context)) {
	resource := ha.Resource{Class: "custom", ID: c.Ident}
	spec := proc.Spec{
		Path: s.binPath(c.Exec),
		Args: append([]string{string(s.cfg.Module), resource.String()}, c.Args...),
		Env:  s.runner.Env(), Dir: s.cfg.Paths.UserVar(s.cfg.Module), Grace: customGrace,
	}
	return func(ctx context.Context) { s.keepCustom(ctx, spec, resource) }
}

func (s *Supervisor) keepCustom(ctx context.Context, spec proc.Spec, resource ha.Resource) {
	name := filepath.Base(spec.Path)
	for strikes := 0; ; {
		exit, err := proc.Run(ctx, spec)
		if ctx.Err() != nil {
			return
		}
		if strikes++; exit.Took > customShort {
			strikes = 1
		}
		text := fmt.Sprintf("Checker %s ended by itself: %v", name, exit)
		if err != nil {
			text = fmt.Sprintf("Checker %s cannot be run: %v", name, err)
		}
		failed := strikes >= customStrikes
		s.post(func() {
			s.say(ha.Event, "userplug", text)
			if failed {
				s.setResource(resource, ha.ValueDown, name, false, false)
			}
		})
		select {
		case <-ctx.Done():
			return
		case <-time.After(customPause):
		}
	}
}

// runHandler runs an errd special handler; a non-zero exit asks for a
// stopstart (scripts.md section 1.4). One run per process at a time.
func (s *Supervisor) runHandler(p userconfig.Proc) {
	if s.handling[p.Name] {
		return
	}
	s.handling[p.Name] = true
	spec := proc.Spec{
		Path: s.binPath(p.Action), Args: []string{string(s.cfg.Module), "proc." + p.Name},
		Env: s.runner.Env(), Dir: s.cfg.Paths.UserVar(s.cfg.Module),
	}
	s.plugins.group.Go(func() error {
		exit, err := proc.Run(s.ctx, spec)
		s.post(func() {
			delete(s.handling, p.Name)
			if err == nil && exit.OK() || s.plugins == nil {
				return
			}
			s.say(ha.Event, "errd", fmt.Sprintf("Handler %s failed: %v", p.Action, exit))
			s.step(automaton.Command{Verb: ha.VerbStopStart, Who: "errd", Identity: "errd", At: time.Now()})
		})
		return nil
	})
}
