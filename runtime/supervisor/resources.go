package supervisor

import (
	"time"

	"github.com/safehold/safehold/runtime/ha"
	"github.com/safehold/safehold/runtime/module"
	"github.com/safehold/safehold/runtime/resource"
)

// switches are the maintenance switches, all on by default (commands.md section 4).
var switches = []string{"errd", "checker", "failover"}

// setting tells whether a maintenance switch is on.
func (s *Supervisor) setting(name string) bool {
	if on, turned := s.durable.Settings[name]; turned {
		return on
	}
	if name == "failover" {
		return s.active.Config.Service.Failover
	}
	return true
}

// publishSettings shows the switches as resources.
func (s *Supervisor) publishSettings() {
	for _, name := range switches {
		s.setResource(ha.Resource{Class: "usersetting", ID: name}, onOff(s.setting(name)), "config", true, false)
	}
	s.setResource(ha.Resource{Class: "usersetting", ID: "boot"}, s.bootSetting(), "config", true, false)
	s.setResource(ha.Resource{Class: "usersetting", ID: "encryption"}, onOff(s.active.ModuleKey), "config", true, false)
	s.setResource(ha.Resource{Class: "state", ID: "local"}, s.local.String(), "heart", true, false)
}

// bootSetting is whether the module starts with the host.
func (s *Supervisor) bootSetting() string {
	rec, err := module.Open(s.cfg.Paths, nil, time.Now).Record(s.cfg.Module)
	if err != nil {
		s.log.WithError(err).Warn("the answer to safekit boot is not known")
	}
	return module.BootSetting(s.active.Config.Service.Boot, rec.Boot)
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

// setResource assigns a resource, logs the change and tells the peer.
func (s *Supervisor) setResource(r ha.Resource, value, setter string, quiet, loud bool) {
	change, err := s.resources.Set(time.Now(), resource.Assignment{Resource: r, Value: value, By: setter})
	if err != nil {
		s.log.WithError(err).WithField("resource", r).Warn("resource not set")
		return
	}
	if change.Changed() && !quiet && told(r) || loud {
		s.say(resourceLevel(r, value), setter, "Resource "+r.String()+" set to "+value+" by "+setter)
	}
	if change.Changed() {
		s.publish()
	}
}

// told tells whether a change of the resource is to be logged here: the
// automaton writes the lines of states and heartbeats itself, counters are figures.
func told(r ha.Resource) bool {
	switch r.Class {
	case "state", "heartbeat", "heart":
		return false
	default:
		return r != ha.Resource{Class: "rfs", ID: "degraded"}
	}
}

// resourceLevel is the level of the log line (log-messages.md section 4).
func resourceLevel(r ha.Resource, value string) ha.Level {
	switch {
	case value == ha.ValueDown && r.Class == "proc":
		return ha.Event
	case value == ha.ValueDown:
		return ha.Critical
	default:
		return ha.Info
	}
}

// say writes a line into the module log.
func (s *Supervisor) say(level ha.Level, origin, text string) {
	if err := s.modlog.Append(time.Now(), origin, level, text); err != nil {
		s.log.WithError(err).WithField("text", text).Warn("the module log cannot be written")
	}
}

// fault reports what an administrator must repair.
func (s *Supervisor) fault(what string, err error) {
	s.log.WithError(err).Error(what)
	s.say(ha.Critical, "heart", what+": "+err.Error())
}

// reboot restarts the host on behalf of automatic_reboot.
func (s *Supervisor) reboot() {
	if err := s.cfg.Reboot(); err != nil {
		s.fault("the host cannot be rebooted", err)
	}
}
