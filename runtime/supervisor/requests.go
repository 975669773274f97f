package supervisor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/safehold/safehold/runtime/automaton"
	"github.com/safehold/safehold/runtime/control"
	"github.com/safehold/safehold/runtime/failover"
	"github.com/safehold/safehold/runtime/ha"
)

var errLeaving = errors.New("the module's supervisor is ending: try again")

// handlers answer the module's socket.
func (s *Supervisor) handlers() http.Handler {
	mux := http.NewServeMux()
	mux.Handle(control.PathCommand, onLoop(s, s.command))
	mux.Handle(control.PathView, onLoop(s, s.viewRequest))
	mux.Handle(control.PathSet, onLoop(s, s.set))
	mux.Handle(control.PathGet, onLoop(s, s.get))
	mux.Handle(control.PathSay, onLoop(s, s.sayRequest))
	mux.Handle(control.PathAwait, control.Handle(s.await))
	mux.Handle(control.PathSetting, onLoop(s, s.turn))
	mux.Handle(control.PathLoop, onLoop(s, s.maxloop))
	mux.Handle(control.PathErrd, onLoop(s, s.errd))
	mux.Handle(control.PathReload, onLoop(s, s.reload))
	mux.Handle(control.PathLeave, onLoop(s, s.leaveRequest))
	mux.Handle(control.PathRules, onLoop(s, s.rulesRequest))
	return mux
}

// onLoop makes a handler whose function runs on the loop.
func onLoop[In, Out any](s *Supervisor, f func(In) (Out, error)) http.Handler {
	return control.Handle(func(ctx context.Context, in In) (Out, error) {
		type answer struct {
			out Out
			err error
		}
		done := make(chan answer, 1)
		s.post(func() {
			out, err := f(in)
			done <- answer{out, err}
		})
		select {
		case a := <-done:
			return a.out, a.err
		case <-ctx.Done():
			var none Out
			return none, errLeaving
		}
	})
}

// command steps a command; it is answered when accepted, not when done.
func (s *Supervisor) command(c control.Command) (control.None, error) {
	if c.FromScript && s.script != nil && (c.Verb == ha.VerbStart || c.Verb == ha.VerbPrim || c.Verb == ha.VerbSecond) {
		return control.None{}, fmt.Errorf("%s would wait for the script %s that calls it: use stop -i or stopstart -i", c.Verb, s.script.name)
	}
	s.refused = nil
	s.step(automaton.Command{
		Verb: c.Verb, Who: c.Who, Identity: c.Identity, Boot: c.Boot,
		FullSync: c.FullSync, NoSync: c.NoSync, Since: c.Since, At: time.Now(),
	})
	if len(s.refused) > 0 {
		return control.None{}, errors.New(strings.Join(s.refused, "; "))
	}
	return control.None{}, nil
}

func (s *Supervisor) set(r control.Set) (control.None, error) {
	name, err := ha.ParseResource(r.Resource)
	if err != nil {
		return control.None{}, err
	}
	switch name.Class {
	case "state", "usersetting", "heartbeat", "rfs":
		return control.None{}, fmt.Errorf("resource %s is the runtime's own: it cannot be set", name)
	}
	setter := r.Identity
	if setter == "" {
		setter = "root"
	}
	if r.Value == "" {
		return control.None{}, fmt.Errorf("resource %s: missing value (-v)", name)
	}
	s.setResource(name, r.Value, setter, r.NoLog, r.ForceLog)
	return control.None{}, nil
}

func (s *Supervisor) get(g control.Get) (control.Value, error) {
	name, err := ha.ParseResource(g.Resource)
	if err != nil {
		return control.Value{}, err
	}
	e, ok := s.resources.Get(name)
	if !ok {
		return control.Value{}, fmt.Errorf("resource %s does not exist: see safekit state -v", name)
	}
	return control.Value{Value: e.Value}, nil
}

func (s *Supervisor) sayRequest(r control.Say) (control.None, error) {
	s.say(r.Level, r.Origin, r.Text)
	return control.None{}, nil
}

// turn turns a maintenance switch. It lasts until the next configuration.
func (s *Supervisor) turn(r control.Setting) (control.None, error) {
	if r.Name == "boot" { // the registry has it, written by the command
		s.setResource(ha.Resource{Class: "usersetting", ID: r.Name}, onOff(r.On), "root", false, false)
		return control.None{}, nil
	}
	known := false
	for _, name := range switches {
		known = known || name == r.Name
	}
	if !known {
		return control.None{}, fmt.Errorf("unknown switch %q: want %s", r.Name, strings.Join(switches, ", "))
	}
	s.durable.Settings[r.Name] = r.On
	s.facts.save(s.durable)
	s.setResource(ha.Resource{Class: "usersetting", ID: r.Name}, onOff(r.On), "root", false, false)
	switch r.Name {
	case "failover":
		s.step(automaton.Setting{Name: r.Name, Value: onOff(r.On)})
	case "checker", "errd":
		if !r.On {
			s.initSwitched(r.Name)
		}
		s.applyWatch()
	}
	return control.None{}, nil
}

// initSwitched sends the resources of a switched-off kind back to init.
func (s *Supervisor) initSwitched(name string) {
	for _, c := range s.watch.all {
		if switchOf(c) == name {
			s.setResource(c.Resource, ha.ValueInit, "heart", true, false)
		}
	}
	if name == "checker" {
		for _, c := range s.watch.customs {
			s.setResource(ha.Resource{Class: "custom", ID: c.Ident}, ha.ValueInit, "heart", true, false)
		}
	}
}

// errd enables or disables a class of monitored processes, or lists them.
func (s *Supervisor) errd(r control.Errd) (control.ErrdList, error) {
	switch r.Op {
	case "enable", "disable":
		found := false
		for _, c := range s.watch.all {
			found = found || c.proc != nil && c.proc.Class == r.Class
		}
		if !found {
			return control.ErrdList{}, fmt.Errorf("no monitored process has the class %q", r.Class)
		}
		s.watchClass(automaton.Class(r.Class), r.Op == "enable")
		return control.ErrdList{}, nil
	case "list":
		return control.ErrdList{Lines: s.errdLines()}, nil
	default:
		return control.ErrdList{}, fmt.Errorf("unknown operation %q", r.Op)
	}
}

func (s *Supervisor) errdLines() []string {
	var lines []string
	for _, c := range s.watch.all {
		if c.proc == nil {
			continue
		}
		state := "disabled"
		if s.watch.on[c.class] && s.setting("errd") {
			state = "enabled"
		}
		lines = append(lines, fmt.Sprintf("%s class=%s action=%s %s %s",
			c.proc.Name, c.class, c.proc.Action, state, s.resources.Local().Value(c.Resource)))
	}
	return lines
}

// leaveRequest ends the supervisor; a running module is not left alone.
func (s *Supervisor) leaveRequest(control.None) (control.None, error) {
	if s.local.State != ha.Stop {
		return control.None{}, fmt.Errorf("module %s is %v: stop it first", s.cfg.Module, s.local)
	}
	time.AfterFunc(100*time.Millisecond, s.leave) // after the answer has gone
	return control.None{}, nil
}

// maxloop handles the counter of automatic actions by command.
func (s *Supervisor) maxloop(r control.Loop) (control.LoopState, error) {
	limit := failover.Limit{Max: s.active.Config.Service.MaxLoop, Interval: s.active.Config.Service.LoopInterval}
	switch r.Op {
	case "inc":
		_, allowed := s.durable.Facts.Loop.Count(time.Now(), limit)
		if allowed {
			s.step(automaton.CountLoop{At: time.Now()})
		}
		return control.LoopState{Count: s.durable.Facts.Loop.N, Reached: !allowed}, nil
	case "reset":
		s.step(automaton.ResetLoop{})
		return control.LoopState{Count: s.durable.Facts.Loop.N}, nil
	case "check":
		return control.LoopState{Count: s.durable.Facts.Loop.N, Reached: s.durable.Facts.Loop.Check(time.Now(), limit)}, nil
	default:
		return control.LoopState{}, fmt.Errorf("unknown operation %q", r.Op)
	}
}
