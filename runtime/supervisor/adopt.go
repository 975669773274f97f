package supervisor

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/safehold/safehold/runtime/automaton"
	"github.com/safehold/safehold/runtime/failover"
	"github.com/safehold/safehold/runtime/ha"
	"github.com/safehold/safehold/runtime/module"
	"github.com/safehold/safehold/runtime/script"
	"github.com/safehold/safehold/safefmt/userconfig"
)

// adopt makes everything that follows from the active configuration, at start
// and in STOP. Switches turned by hand last until the next configuration; facts
// about directories last as long as the directories are the same.
func (s *Supervisor) adopt() error {
	if s.durable.Signature != s.active.Signature {
		if s.durable.Signature != "" {
			s.durable.Settings = map[string]bool{}
		}
		s.durable.Signature = s.active.Signature
	}
	if dirs := replicatedDirs(s.active.Config); !slices.Equal(dirs, s.durable.Dirs) {
		s.durable.Dirs = dirs
		s.durable.Facts.UpToDate = false
		s.durable.Facts.TakesFull = true
	}
	s.facts.save(s.durable)
	if err := s.facts.failure(); err != nil {
		return err
	}
	if err := s.makeRules(); err != nil {
		return err
	}
	s.runner = newRunner(s.cfg, s.active)
	s.watch = plan(s.active.Config)
	s.machine = automaton.New(s.automatonConfig(), s.durable.Facts, now())
	return nil
}

func newRunner(cfg Config, a *module.Active) *script.Runner {
	return script.New(cfg.Paths, cfg.Module, scriptConfig(a.Config), os.Environ(), time.Now)
}

func (s *Supervisor) makeRules() error {
	set, _, err := failover.NewSet(module.RuleConfig(s.active.Config))
	if err != nil {
		return fmt.Errorf("module %s: %w", s.cfg.Module, err)
	}
	s.ruleSet, s.rules = set, failover.NewMachine(set)
	return nil
}

func replicatedDirs(cfg *userconfig.Config) []string {
	var dirs []string
	if cfg.RFS != nil {
		for _, r := range cfg.RFS.Replicated {
			dirs = append(dirs, r.Dir)
		}
	}
	return dirs
}

func scriptConfig(cfg *userconfig.Config) script.Config {
	u := cfg.User
	if u == nil {
		return script.Config{}
	}
	c := script.Config{
		NiceStop: u.NiceStop, ForceStop: u.ForceStop,
		Logging: u.Logging == userconfig.LoggingUserlog, LogSize: int64(u.UserLogSize) << 10,
	}
	for _, v := range u.Vars {
		c.Vars = append(c.Vars, v.Name+"="+v.Value)
	}
	return c
}

func (s *Supervisor) automatonConfig() automaton.Config {
	svc := s.active.Config.Service
	c := automaton.Config{
		Module: s.cfg.Module, Mode: svc.Mode, Local: s.active.Local, Peer: s.active.Peer, First: s.active.First,
		Replicated: s.active.Config.RFS != nil, FlowLink: s.active.Flow(),
		DefaultPrim: svc.DefaultPrim, FailoverOff: !s.setting("failover"), Signature: s.active.Signature,
		MaxLoop: svc.MaxLoop, LoopInterval: svc.LoopInterval, AutomaticReboot: svc.AutomaticReboot,
		Incarnation: randomID(), NewGeneration: newGeneration,
	}
	for _, l := range s.active.Links {
		c.Links = append(c.Links, l.Ident)
		c.PeerTimeout = max(c.PeerTimeout, l.Timeout)
	}
	if s.active.Config.RFS != nil {
		c.ResyncTimeout = s.active.Config.RFS.ReiTimeout
	}
	return c
}

func randomID() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return binary.LittleEndian.Uint64(b[:]) | 1
}

func newGeneration() (g ha.Generation) {
	_, _ = rand.Read(g[:]) // never fails
	return g
}

// resumeAfterCrash starts the module again when an earlier supervisor was
// killed while the module ran: prestart cleans up, the durable facts decide.
func (s *Supervisor) resumeAfterCrash() {
	if !s.durable.Started {
		return
	}
	if s.durable.Booted != bootID() {
		return // the host was restarted: boot settings decide
	}
	s.say(ha.Critical, "heart", "The module's supervisor ended unexpectedly: starting the module again")
	s.step(automaton.Command{Verb: ha.VerbStart, Who: "safeadmin", At: time.Now()})
}

// bootID changes with each start of the host.
func bootID() string {
	raw, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return string(raw)
}
