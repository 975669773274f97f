package supervisor

import (
	"errors"
	"fmt"
	"time"

	"github.com/safehold/safehold/runtime/automaton"
	"github.com/safehold/safehold/runtime/ha"
	"github.com/safehold/safehold/runtime/proc"
	"github.com/safehold/safehold/runtime/script"
)

// runningScript is the module script in progress; one at a time.
type runningScript struct {
	seq  uint64
	name string
	run  *script.Run
	from time.Time
}

// runScript starts a script and answers the automaton when it ended. Without
// <user> no script is ever executed.
func (s *Supervisor) runScript(e automaton.RunScript) {
	if s.active.Config.User == nil {
		s.queue = append(s.queue, automaton.ScriptDone{Seq: e.Seq})
		return
	}
	run, err := s.runner.Start(e.Name, e.Args, e.Force)
	switch {
	case errors.Is(err, script.ErrMissing):
		s.queue = append(s.queue, automaton.ScriptDone{Seq: e.Seq})
		return
	case err != nil:
		s.say(ha.Event, "userplug", "Script "+e.Name+" cannot be run: "+err.Error())
		s.queue = append(s.queue, automaton.ScriptDone{Seq: e.Seq, Exit: -1})
		return
	}
	s.say(ha.Script, "userplug", scriptLine(e, run.Log))
	s.script = &runningScript{seq: e.Seq, name: e.Name, run: run, from: time.Now()}
	s.group.Go(func() error {
		exit := run.Wait()
		s.post(func() { s.scriptDone(e, exit) })
		return nil
	})
}

// scriptLine is the log line of a start (log-messages.md section 5).
func scriptLine(e automaton.RunScript, log string) string {
	line := "Script " + e.Name
	switch {
	case e.Force:
		line += ` "force"`
	case e.Name == "prestart":
		line += ` "start"`
	}
	if log != "" {
		line += " > " + log
	}
	return line
}

func (s *Supervisor) scriptDone(e automaton.RunScript, exit proc.Exit) {
	s.script = nil
	switch {
	case exit.TimedOut:
		s.say(ha.Event, "userplug", fmt.Sprintf("Script %s did not end in time and was killed", e.Name))
	case !exit.OK():
		s.say(ha.Warning, "userplug", fmt.Sprintf("Script %s: %v", e.Name, exit))
	}
	s.step(automaton.ScriptDone{Seq: e.Seq, Exit: exit.Code})
}

// killScript kills the script; its end is reported as any other.
func (s *Supervisor) killScript(seq uint64) {
	if s.script == nil || s.script.seq != seq {
		return
	}
	run := s.script.run
	s.group.Go(func() error {
		run.Kill()
		return nil
	})
}
