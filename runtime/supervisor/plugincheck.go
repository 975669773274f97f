package supervisor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/safehold/safehold/plugins/api"
	"github.com/safehold/safehold/runtime/automaton"
	"github.com/safehold/safehold/runtime/ha"
	"github.com/safehold/safehold/runtime/module"
	"github.com/safehold/safehold/runtime/pluginhost"
	"github.com/safehold/safehold/safefmt/userconfig"
)

// A plugin that reports more than floodResults within floodWindow is restarted:
// each change of a resource costs a log line and a message to the peer.
const (
	floodResults = 100
	floodWindow  = 10 * time.Second
)

// deathSeen is how long the end of a process may take to be noticed.
const deathSeen = time.Second

// maxSaid bounds the words of a plugin in a line of the module log, characters.
const maxSaid = 500

// pluginCheck is a <custom kind="plugin"> while its class is enabled.
type pluginCheck struct {
	s     *Supervisor
	run   *customRun
	check userconfig.CustomCheck
	name  string // of the plugin, its setter's name in the log
	res   ha.Resource
	group *errgroup.Group
	sup   *pluginhost.Supervised[api.Checker]
	ended <-chan struct{} // told to stop
}

// customPlugin prepares a checker plugin. Each run has a host of its own, with
// the checksums of the configuration it was started by.
func (s *Supervisor) customPlugin(c userconfig.CustomCheck, r *customRun) (keep func(context.Context)) {
	s.plugins.custom++
	cfg := pluginhost.Config{
		Log:       s.log,
		SocketDir: filepath.Join(s.cfg.Paths.Run(), "p", string(s.cfg.Module), strconv.Itoa(s.plugins.custom)),
		Self:      s.cfg.Self,
		Checksums: s.active.Plugins,
		Env:       s.cfg.Paths.ModuleEnv(s.cfg.Module),
	}
	path := s.binPath(c.Exec)
	p := &pluginCheck{
		s: s, run: r, check: c, name: filepath.Base(path), res: ha.Resource{Class: "custom", ID: c.Ident}, group: s.plugins.group,
	}
	return func(ctx context.Context) { p.keep(ctx, cfg, path) }
}

// keep has the plugin running until ctx ends; one that cannot be used at all
// has its resource down.
func (p *pluginCheck) keep(ctx context.Context, cfg pluginhost.Config, path string) {
	p.ended = ctx.Done()
	defer os.RemoveAll(cfg.SocketDir)
	host, err := pluginhost.New(cfg)
	if err == nil {
		p.sup = host.Checker(pluginhost.Plugin{Name: p.name, Path: path}, pluginhost.Events[api.Checker]{OnUp: p.up, OnDown: p.down})
		err = p.sup.Serve(ctx)
	}
	if err != nil {
		p.post(func() {
			p.s.say(ha.Critical, "userplug", fmt.Sprintf("Checker %s cannot be used: %.*s", p.name, maxSaid, err))
			p.s.setResource(p.res, ha.ValueDown, p.name, false, false)
		})
	}
}

// post hands f to the loop, where it runs if this run is still the current one.
// Unlike the supervisor's it also gives up when the loop waits for this run to end.
func (p *pluginCheck) post(f func()) {
	current := func() {
		if p.s.plugins != nil && p.s.watch.scripts[p.check.Ident] == p.run {
			f()
		}
	}
	select {
	case p.s.inbox <- current:
	case <-p.ended:
	}
}

// up has a fresh plugin perform the check; one that does not is started again.
func (p *pluginCheck) up(ctx context.Context, client api.Checker) {
	p.group.Go(func() error {
		if err := p.watch(ctx, client); err != nil && ctx.Err() == nil {
			p.sup.Restart(err.Error())
		}
		return nil
	})
}

// down sends the resource back to init. A plugin that will not be started again
// is keep's to report.
func (p *pluginCheck) down(reason error) {
	for _, final := range []error{pluginhost.ErrVersion, pluginhost.ErrChanged, pluginhost.ErrUnrecorded} {
		if errors.Is(reason, final) {
			return
		}
	}
	p.post(func() {
		p.s.say(ha.Event, "userplug", fmt.Sprintf("Checker %s is down, starting it again: %.*s", p.name, maxSaid, reason))
		p.s.setResource(p.res, ha.ValueInit, "heart", true, false)
	})
}

// watch follows the results of one run of the plugin until it ends (nil) or
// misbehaves.
func (p *pluginCheck) watch(ctx context.Context, client api.Checker) error {
	results, err := p.begin(ctx, client)
	if err != nil {
		return err
	}
	limit := resultLimit{}
	for {
		select {
		case <-ctx.Done():
			return nil
		case r, ok := <-results:
			switch {
			case !ok:
				return unlessDead(ctx, errors.New("it ended its results"))
			case limit.over(time.Now()):
				return fmt.Errorf("it reported more than %d results within %v", floodResults, floodWindow)
			case r.Resource != p.res:
				return fmt.Errorf("it reported %.80q, which is not its resource", r.Resource.String())
			}
			p.post(func() { p.result(r) })
		}
	}
}

// unlessDead gives err when the plugin lives on: the end of a process is seen
// first by its connection, and is a better reason.
func unlessDead(ctx context.Context, err error) error {
	select {
	case <-ctx.Done():
		return nil
	case <-time.After(deathSeen):
		return err
	}
}

// begin asks for the check; the answer has callLimit.
func (p *pluginCheck) begin(ctx context.Context, client api.Checker) (<-chan api.Result, error) {
	ctx, cancel := context.WithCancel(ctx)
	late := time.AfterFunc(callLimit, cancel)
	defer late.Stop()
	kind, err := module.FirstKind(ctx, client)
	if err != nil {
		cancel()
		return nil, err
	}
	results, err := client.Run(ctx, []api.Check{module.PluginCheck(p.check, kind)})
	if err != nil {
		cancel()
		return nil, fmt.Errorf("have the check performed: %w", err)
	}
	return results, nil
}

// result takes what the check saw.
func (p *pluginCheck) result(r api.Result) {
	if r.Message != "" && r.Value != p.s.resources.Local().Value(p.res) {
		p.s.say(ha.Event, p.name, fmt.Sprintf("%.*s", maxSaid, r.Message))
	}
	p.s.setResource(p.res, r.Value, p.name, false, false)
	switch verb, _ := ha.ParseVerb(r.Fault); verb {
	case ha.VerbRestart, ha.VerbStopStart, ha.VerbStop:
		p.s.step(automaton.Command{Verb: verb, Who: p.name, Identity: p.name, At: time.Now()})
	}
}

// resultLimit counts results.
type resultLimit struct {
	since time.Time
	n     int
}

// over counts one more and tells whether that was too much.
func (l *resultLimit) over(now time.Time) bool {
	if now.Sub(l.since) >= floodWindow {
		l.since, l.n = now, 0
	}
	l.n++
	return l.n > floodResults
}
