package supervisor

import (
	"context"
	"fmt"
	"maps"

	"github.com/safehold/safehold/runtime/automaton"
	"github.com/safehold/safehold/runtime/control"
	"github.com/safehold/safehold/runtime/ha"
	"github.com/safehold/safehold/runtime/module"
)

// reload takes over the configuration that was just put in force. The command
// that wrote it has refused what a running module cannot change.
func (s *Supervisor) reload(control.None) (control.None, error) {
	active, err := module.LoadActive(s.cfg.Paths, s.cfg.Module)
	if err != nil {
		return control.None{}, err
	}
	s.active = active
	if s.local.State == ha.Stop {
		err := s.adopt()
		s.publishSettings()
		return control.None{}, err
	}
	return control.None{}, s.reloadRunning()
}

// reloadRunning applies the part that may change while the module runs
// (userconfig-xml.md section 15). Checkers start again from init.
func (s *Supervisor) reloadRunning() error {
	s.durable.Signature = s.active.Signature
	s.facts.save(s.durable)
	if err := s.makeRules(); err != nil {
		return err
	}
	s.runner = newRunner(s.cfg, s.active)
	enabled := maps.Clone(s.watch.on)
	s.watch.stopAll()
	ended := s.watch.ended
	s.watch = plan(s.active.Config)
	s.watch.ended = ended
	for class, on := range enabled {
		s.watch.on[class] = on
	}
	s.applyWatch()
	s.retune()
	s.step(automaton.Reconfigured{Config: s.automatonConfig()})
	s.say(ha.Info, "heart", "Configuration "+short(s.active.Signature)+" is in force")
	return nil
}

func short(signature string) string {
	if len(signature) > 12 {
		return signature[:12]
	}
	return signature
}

// retune hands the new values to the running plugins beside the loop.
func (s *Supervisor) retune() {
	p := s.plugins
	if p == nil {
		return
	}
	if p.heartbeat != nil {
		cfg, err := s.heartbeatConfig()
		if err != nil {
			s.fault("the heartbeat keeps its old networks", err)
		} else {
			s.later("the heartbeat keeps its old networks", func(ctx context.Context) error { return p.heartbeat.reconfigure(ctx, cfg) })
		}
	}
	if p.data != nil && s.active.Config.RFS != nil {
		t := tuning(s.active.Config.RFS)
		p.data.retune(t)
		if client := p.data.client; client != nil { // otherwise it is configured with them when it is back
			s.later("replication keeps its old parameters", func(ctx context.Context) error { return client.Tune(ctx, t) })
		}
	}
}

// later makes a short call to a plugin beside the loop and reports its failure.
func (s *Supervisor) later(what string, call func(context.Context) error) {
	s.plugins.group.Go(func() error {
		ctx, cancel := context.WithTimeout(s.ctx, callLimit)
		defer cancel()
		if err := call(ctx); err != nil {
			s.post(func() { s.fault(what, fmt.Errorf("apply the configuration: %w", err)) })
		}
		return nil
	})
}
