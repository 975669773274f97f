package supervisor

import (
	"context"
	"path/filepath"
	"syscall"

	"golang.org/x/sync/errgroup"

	"github.com/safehold/safehold/plugins/api"
	"github.com/safehold/safehold/runtime/automaton"
	"github.com/safehold/safehold/runtime/pluginhost"
)

// plugins are the child processes of a started module.
type plugins struct {
	cancel    context.CancelFunc
	group     *errgroup.Group
	heartbeat *heartbeat // nil unless mirror
	data      *replica   // nil when nothing is replicated
	checkers  *checkers
	custom    int // checker plugins of users started so far
}

// startPlugins starts what the configuration needs. A plugin that cannot be
// used at all is reported in the module log; the automaton then sees silence.
func (s *Supervisor) startPlugins() {
	host, err := pluginhost.New(pluginhost.Config{
		Log:       s.log,
		SocketDir: filepath.Join(s.cfg.Paths.Run(), "p", string(s.cfg.Module)),
		Self:      s.cfg.Self,
		Checksums: s.active.Plugins,
		Env:       s.cfg.Paths.Env(),
	})
	if err != nil {
		s.fault("plugins cannot be started", err)
		return
	}
	ctx, cancel := context.WithCancel(s.ctx)
	p := &plugins{cancel: cancel}
	p.group, ctx = errgroup.WithContext(ctx)
	s.plugins = p
	if len(s.active.Links) > 0 {
		if p.heartbeat, err = s.startHeartbeat(ctx, host); err != nil {
			s.fault("the heartbeat cannot be started", err)
		}
	}
	if s.active.Config.RFS != nil {
		p.data = s.startReplica(ctx, host)
	}
	p.checkers = s.startCheckers(ctx, host)
}

// stopPlugins ends every plugin and waits until they are dead.
func (s *Supervisor) stopPlugins() {
	if s.plugins == nil {
		return
	}
	p := s.plugins
	s.plugins = nil
	p.cancel()
	s.watch.stopAll()
	if err := p.group.Wait(); err != nil {
		s.log.WithError(err).Warn("plugins ended with an error")
	}
	clear(s.links)
	s.data = dataView{}
	if p.data != nil {
		s.queue = append(s.queue, automaton.DataGone{Reason: "the module is stopped"})
	}
	s.published = nil
	s.forgetChecks()
}

// serve serves a plugin within the group of plugins.
func serve[T any](s *Supervisor, ctx context.Context, name string, sup *pluginhost.Supervised[T]) {
	s.plugins.group.Go(func() error {
		if err := sup.Serve(ctx); err != nil {
			s.post(func() { s.fault("plugin "+name+" cannot be used", err) })
		}
		return nil
	})
}

// startHeartbeat starts the heartbeat plugin.
func (s *Supervisor) startHeartbeat(ctx context.Context, host *pluginhost.Host) (*heartbeat, error) {
	cfg, err := s.heartbeatConfig()
	if err != nil {
		return nil, err
	}
	h := &heartbeat{s: s, group: s.plugins.group, wake: make(chan struct{}, 1), cfg: cfg}
	h.sup = host.Heartbeat(pluginhost.Plugin{Name: "heartbeat"}, pluginhost.Events[api.Heartbeat]{OnUp: h.up})
	serve(s, ctx, "heartbeat", h.sup)
	h.group.Go(func() error { h.publisher(ctx); return nil })
	return h, nil
}

// startReplica starts the replication plugin, which unmounts by itself when
// this process dies.
func (s *Supervisor) startReplica(ctx context.Context, host *pluginhost.Host) *replica {
	r := &replica{s: s, ctx: ctx, group: s.plugins.group}
	cfg := s.replicationConfig()
	r.cfg.Store(&cfg)
	r.sup = host.Replicator(pluginhost.Plugin{Name: "rfs", Orphan: syscall.SIGTERM}, pluginhost.Events[api.Replicator]{OnUp: r.up, OnDown: r.down})
	serve(s, ctx, "rfs", r.sup)
	return r
}
