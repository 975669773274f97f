package supervisor

import (
	"context"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/safehold/safehold/plugins/api"
	"github.com/safehold/safehold/runtime/automaton"
	"github.com/safehold/safehold/runtime/ha"
	"github.com/safehold/safehold/runtime/pluginhost"
	"github.com/safehold/safehold/safefmt/userconfig"
)

// checkers is the checkers plugin as the loop sees it.
type checkers struct {
	s     *Supervisor
	group *errgroup.Group
	sup   *pluginhost.Supervised[api.Checker]
	wake  chan struct{}

	mu     sync.Mutex // guards everything below
	checks []api.Check
}

// startCheckers starts the checkers plugin when the configuration has a check for it.
func (s *Supervisor) startCheckers(ctx context.Context, host *pluginhost.Host) *checkers {
	if len(s.watch.all) == 0 {
		return nil
	}
	c := &checkers{s: s, group: s.plugins.group, wake: make(chan struct{}, 1)}
	c.sup = host.Checker(pluginhost.Plugin{Name: "checkers"}, pluginhost.Events[api.Checker]{OnUp: c.up, OnDown: c.down})
	serve(s, ctx, "checkers", c.sup)
	return c
}

// run has exactly these checks performed from now on.
func (c *checkers) run(checks []api.Check) {
	c.mu.Lock()
	c.checks = checks
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// up performs the wanted checks on a fresh plugin, and again on each change,
// until this run of the plugin ends.
func (c *checkers) up(ctx context.Context, client api.Checker) {
	c.group.Go(func() error {
		for {
			c.mu.Lock()
			checks := c.checks
			c.mu.Unlock()
			results, err := client.Run(ctx, checks)
			if err != nil {
				if ctx.Err() == nil {
					c.sup.Restart(err.Error())
				}
				return nil
			}
			if !c.follow(ctx, results) {
				return nil
			}
		}
	})
}

// follow reports results until the set of checks changes (true) or the run ends.
func (c *checkers) follow(ctx context.Context, results <-chan api.Result) bool {
	for {
		select {
		case <-ctx.Done():
			return false
		case <-c.wake:
			return true
		case r, ok := <-results:
			if !ok {
				return false
			}
			c.s.post(func() { c.s.checked(r) })
		}
	}
}

// down sends the resources of a dead plugin back to init.
func (c *checkers) down(error) {
	c.s.post(func() {
		for _, check := range c.s.watch.running() {
			c.s.setResource(check.Resource, ha.ValueInit, "heart", true, false)
		}
	})
}

// checkWatch says which checks exist and which classes are enabled. The loop owns it.
type checkWatch struct {
	all     []classed
	customs []userconfig.CustomCheck
	on      map[automaton.Class]bool
	scripts map[string]*customRun // running custom checkers, by ident
	ended   map[string]*customRun // told to stop, by ident
}

// classed is a check with the class it lives in and, for a monitored process, its entry.
type classed struct {
	api.Check
	class automaton.Class
	proc  *userconfig.Proc
}

// plan lists the checks of the configuration.
func plan(cfg *userconfig.Config) checkWatch {
	w := checkWatch{on: map[automaton.Class]bool{}, scripts: map[string]*customRun{}, ended: map[string]*customRun{}, customs: cfg.Checks.Custom}
	for _, k := range cfg.Checks.TCP {
		w.all = append(w.all, classed{class: automaton.Class(k.When), Check: api.Check{
			Resource: ha.Resource{Class: "tcp", ID: k.Ident}, Kind: "tcp", Interval: k.Interval, Timeout: k.Timeout,
			Attrs: map[string]string{"addr": k.Addr, "port": strconv.Itoa(k.Port)},
		}})
	}
	for _, k := range cfg.Checks.Ping {
		w.all = append(w.all, classed{class: automaton.Class(k.When), Check: api.Check{
			Resource: ha.Resource{Class: "ping", ID: k.Ident}, Kind: "ping", Interval: k.Interval, Timeout: k.Timeout,
			Attrs: map[string]string{"addr": k.Addr},
		}})
	}
	if cfg.Errd != nil {
		for i := range cfg.Errd.Procs {
			w.all = append(w.all, procCheck(&cfg.Errd.Procs[i], cfg.Errd.PollTimer))
		}
	}
	return w
}

func procCheck(p *userconfig.Proc, poll time.Duration) classed {
	service := "no"
	if p.Service {
		service = "yes"
	}
	return classed{class: automaton.Class(p.Class), proc: p, Check: api.Check{
		Resource: ha.Resource{Class: "proc", ID: p.Name}, Kind: "proc", Interval: poll, Timeout: poll,
		Attrs: map[string]string{
			"name": p.Name, "service": service, "nameregex": p.NameRegex, "argregex": p.ArgRegex,
			"atleast": strconv.Itoa(p.AtLeast), "atmax": strconv.Itoa(p.AtMax), "action": p.Action,
			"start_after": strconv.Itoa(p.StartAfter),
		},
	}}
}

// running are the checks that are to be performed now.
func (w *checkWatch) running() []classed {
	var out []classed
	for _, c := range w.all {
		if w.on[c.class] {
			out = append(out, c)
		}
	}
	return out
}

// stopAll ends the custom checkers.
func (w *checkWatch) stopAll() {
	for ident := range w.scripts {
		w.stopScript(ident)
	}
	clear(w.on)
}

func (w *checkWatch) stopScript(ident string) {
	w.scripts[ident].stop()
	w.ended[ident] = w.scripts[ident]
	delete(w.scripts, ident)
}

// watchClass starts or stops the checks of a class.
func (s *Supervisor) watchClass(class automaton.Class, on bool) {
	if s.watch.on[class] == on {
		return
	}
	s.watch.on[class] = on
	if !on {
		s.initResources(class)
	}
	s.applyWatch()
}

// initResources sends the resources of a class back to init.
func (s *Supervisor) initResources(class automaton.Class) {
	for _, c := range s.watch.all {
		if c.class == class {
			s.setResource(c.Resource, ha.ValueInit, "heart", true, false)
		}
	}
	for _, c := range s.watch.customs {
		if automaton.Class(c.When) == class {
			s.setResource(ha.Resource{Class: "custom", ID: c.Ident}, ha.ValueInit, "heart", true, false)
		}
	}
}

// forgetChecks sends every checker's resource back to init, at the end of a run.
func (s *Supervisor) forgetChecks() {
	for _, class := range []automaton.Class{automaton.ClassPre, automaton.ClassPrim, automaton.ClassBoth, automaton.ClassSecond, automaton.ClassSec} {
		s.initResources(class)
	}
}

// applyWatch makes what runs equal to what should: class enabled, and the
// switch of its kind (checker, errd) on.
func (s *Supervisor) applyWatch() {
	if s.plugins == nil {
		return
	}
	if s.plugins.checkers != nil {
		var checks []api.Check
		for _, c := range s.watch.running() {
			if s.setting(switchOf(c)) {
				checks = append(checks, c.Check)
			}
		}
		s.plugins.checkers.run(checks)
	}
	for _, c := range s.watch.customs {
		want := s.watch.on[automaton.Class(c.When)] && s.setting("checker")
		_, runs := s.watch.scripts[c.Ident]
		switch {
		case want && !runs:
			s.watch.scripts[c.Ident] = s.startCustom(c, s.watch.ended[c.Ident])
		case !want && runs:
			s.watch.stopScript(c.Ident)
		}
	}
}

func switchOf(c classed) string {
	if c.proc != nil {
		return "errd"
	}
	return "checker"
}

// checked takes a result of the checkers plugin.
func (s *Supervisor) checked(r api.Result) {
	if s.plugins == nil {
		return
	}
	i := slices.IndexFunc(s.watch.all, func(c classed) bool { return c.Resource == r.Resource })
	if i < 0 || !s.watch.on[s.watch.all[i].class] || !s.setting(switchOf(s.watch.all[i])) {
		return // the last words of a check that was stopped
	}
	if p := s.watch.all[i].proc; p != nil && r.Value == ha.ValueDown {
		s.procFault(*p, r)
		return
	}
	s.setResource(r.Resource, r.Value, r.Identity, false, false)
}

// procFault acts on a monitored process that is missing: by command, in the
// order of lines that published logs show (log-messages.md section 12).
func (s *Supervisor) procFault(p userconfig.Proc, r api.Result) {
	s.say(ha.Event, "errd", r.Message)
	if r.Fault != "" {
		s.act(p, r.Fault)
	}
	s.setResource(r.Resource, r.Value, r.Identity, false, false)
}

func (s *Supervisor) act(p userconfig.Proc, fault string) {
	verb, err := ha.ParseVerb(fault)
	switch {
	case p.Handler():
		s.runHandler(p)
	case err == nil && verb != ha.VerbNone:
		c := automaton.Command{Verb: verb, Who: "errd", Identity: "errd", At: time.Now()}
		if len(p.RestartServices) > 0 {
			c.Services = strings.Join(p.RestartServices, ", ")
		}
		s.step(c)
	}
}

// binPath resolves an executable of the module's configuration.
func (s *Supervisor) binPath(file string) string {
	if filepath.IsAbs(file) {
		return file
	}
	return filepath.Join(s.cfg.Paths.UserBin(s.cfg.Module), file)
}
