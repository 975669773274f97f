package supervisor

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/safehold/safehold/runtime/automaton"
	"github.com/safehold/safehold/runtime/ha"
)

// step feeds the automaton and carries out its effects. Events that effects
// answer at once are queued and stepped in turn, never nested.
func (s *Supervisor) step(ev automaton.Event) {
	s.queue = append(s.queue, ev)
	if s.stepping {
		return
	}
	s.stepping = true
	defer func() { s.stepping = false }()
	for len(s.queue) > 0 && s.facts.failure() == nil {
		next := s.queue[0]
		s.queue = s.queue[1:]
		effects := s.machine.Step(now(), next)
		s.remote = s.machine.Remote()
		for _, effect := range effects {
			s.carry(effect)
			if s.facts.failure() != nil {
				return
			}
		}
	}
}

// carry carries out one effect.
func (s *Supervisor) carry(effect automaton.Effect) {
	switch e := effect.(type) {
	case automaton.RunScript:
		s.runScript(e)
	case automaton.KillScript:
		s.killScript(e.Seq)
	case automaton.Assign:
		s.assign(e)
	case automaton.Detach:
		s.detach(e)
	case automaton.SetVIP:
		// Configuration announces that <vip> is not acted on in this release.
	case automaton.Checkers:
		s.watchClass(e.Class, e.On)
	case automaton.Publish:
		s.peerNews(e.State)
	case automaton.Persist:
		s.durable.Facts = e.Facts
		s.facts.save(s.durable)
	case automaton.SetResource:
		s.setResource(e.Resource, e.Value, e.Identity, false, false)
	case automaton.Log:
		s.say(e.Level, e.Origin, e.Text)
	case automaton.RoleChanged:
		s.roleChanged(e)
	case automaton.Refused:
		s.refused = append(s.refused, e.Reason)
	case automaton.Reboot:
		s.reboot()
	case automaton.Arm:
		s.armed = e.At
	default:
		panic(fmt.Sprintf("supervisor: no way to carry out %T", effect))
	}
}

func (s *Supervisor) roleChanged(e automaton.RoleChanged) {
	s.local, s.localSince = e.To, time.Now()
	switch {
	case e.From.State == ha.Stop && e.To.State != ha.Stop:
		s.rules.Reset()
		s.nextRules = now() + s.ruleSet.Period()
		s.durable.Started, s.durable.Booted = true, bootID()
		s.facts.save(s.durable)
		if err := s.runner.Tidy(); err != nil {
			s.log.WithError(err).Warn("script logs are not tidied")
		}
		s.startPlugins()
	case e.To.State == ha.Stop && e.From.State != ha.Stop:
		s.nextRules, s.waiting, s.rule = 0, "", ""
		s.durable.Started = false
		s.facts.save(s.durable)
		s.stopPlugins()
		s.peer = nil
	}
	if e.To.State != ha.Wait {
		s.waiting = ""
	}
}

// pulse is what travels in a heartbeat.
type pulse struct {
	State     automaton.PeerState
	Resources map[string]string
}

// resourcesBudget bounds the resources in a pulse, bytes of their text; the
// state always fits.
const resourcesBudget = 16 << 10

func (s *Supervisor) peerNews(st automaton.PeerState) {
	s.published = &st
	s.publish()
}

// publish sends the state and the resources to the peer.
func (s *Supervisor) publish() {
	if s.plugins == nil || s.plugins.heartbeat == nil || s.published == nil {
		return
	}
	p := pulse{State: *s.published, Resources: map[string]string{}}
	left := resourcesBudget
	for _, r := range s.resources.List() {
		name := r.Resource.String()
		if left -= len(name) + len(r.Value) + 8; left < 0 {
			break
		}
		p.Resources[name] = r.Value
	}
	raw, err := json.Marshal(p)
	if err != nil {
		s.log.WithError(err).Error("the state cannot be told to the peer")
		return
	}
	s.plugins.heartbeat.publish(raw)
}

// heard takes a payload of the peer.
func (s *Supervisor) heard(raw []byte) {
	var p pulse
	if err := json.Unmarshal(raw, &p); err != nil {
		s.log.WithError(err).Warn("the peer's heartbeat makes no sense")
		return
	}
	s.peer, s.remoteSeen = &p.State, time.Now()
	s.resources.SetRemote(p.Resources, time.Now())
	s.step(automaton.Heard{State: p.State})
}
