package supervisor

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"
	"golang.org/x/sync/errgroup"

	"github.com/safehold/safehold/plugins/api"
	"github.com/safehold/safehold/runtime/automaton"
	"github.com/safehold/safehold/runtime/cluster/identity"
	"github.com/safehold/safehold/runtime/ha"
	"github.com/safehold/safehold/runtime/pluginhost"
	"github.com/safehold/safehold/safefmt/userconfig"
)

// assignLimit bounds a change of the data role. Draining to a slow peer may
// take long; the plugin's own deadlines are shorter.
const assignLimit = 10 * time.Minute

// configureLimit bounds the first call to a fresh plugin, which repairs what a crash left.
const configureLimit = 2 * time.Minute

// dataView is what the loop knows of the data, for the view and the resources.
type dataView struct {
	facts   *api.DataFacts
	stats   *api.SyncStats
	syncing bool
}

// replica is the replication plugin as the loop sees it.
type replica struct {
	s     *Supervisor
	ctx   context.Context // of the plugins
	group *errgroup.Group // of the plugins
	cfg   atomic.Pointer[api.ReplicationConfig]
	sup   *pluginhost.Supervised[api.Replicator]

	client api.Replicator // configured and told to the automaton; the loop owns it
}

var errNoReplicator = errors.New("the replication is not running")

// up configures a fresh plugin, follows its events and tells the automaton.
func (r *replica) up(ctx context.Context, client api.Replicator) {
	events, facts, err := r.configure(ctx, client)
	if err != nil {
		r.s.post(func() { r.s.fault("replication is not ready", err) })
		r.sup.Restart(err.Error())
		return
	}
	r.current(func() {
		r.client = client
		r.s.learnFacts(facts)
		r.s.step(automaton.DataBack{Facts: facts})
	})
	r.group.Go(func() error {
		for e := range events {
			r.current(func() { r.s.dataEvent(e) })
		}
		return nil
	})
}

func (r *replica) configure(ctx context.Context, client api.Replicator) (<-chan api.DataEvent, api.DataFacts, error) {
	call, cancel := context.WithTimeout(ctx, configureLimit)
	defer cancel()
	if err := client.Configure(call, *r.cfg.Load()); err != nil {
		return nil, api.DataFacts{}, err
	}
	events, err := client.Watch(ctx)
	if err != nil {
		return nil, api.DataFacts{}, err
	}
	facts, err := client.Facts(call)
	return events, facts, err
}

func (r *replica) down(reason error) {
	r.current(func() {
		r.client = nil
		r.s.data.syncing = false
		r.s.step(automaton.DataGone{Reason: reason.Error()})
	})
}

// retune keeps the values for a plugin that starts again.
func (r *replica) retune(t api.ReplicationTuning) {
	cfg := *r.cfg.Load()
	cfg.Tuning = t
	r.cfg.Store(&cfg)
}

// current hands f to the loop, which drops it when the module was stopped since.
func (r *replica) current(f func()) {
	r.s.post(func() {
		if r.s.plugins != nil && r.s.plugins.data == r {
			f()
		}
	})
}

// assign changes the data role beside the loop and answers the automaton.
func (s *Supervisor) assign(e automaton.Assign) {
	s.log.WithFields(logrus.Fields{"role": dataRole(e.Assignment.Role), "epoch": e.Assignment.Epoch, "seq": e.Seq,
		"generation": e.Assignment.Generation.Short()}).Info("data role assigned")
	s.ask(e.Seq, assignLimit, func(ctx context.Context, c api.Replicator) error { return c.Assign(ctx, e.Assignment) })
}

// detach lets the primary go on without its peer.
func (s *Supervisor) detach(e automaton.Detach) {
	s.ask(e.Seq, assignLimit, func(ctx context.Context, c api.Replicator) error { return c.Detach(ctx, e.Generation) })
}

func (s *Supervisor) ask(seq uint64, limit time.Duration, call func(context.Context, api.Replicator) error) {
	if s.plugins == nil || s.plugins.data == nil || s.plugins.data.client == nil {
		s.queue = append(s.queue, automaton.DataDone{Seq: seq, Err: errNoReplicator, Facts: s.lastFacts()})
		return
	}
	r, last := s.plugins.data, s.lastFacts()
	client := r.client
	r.group.Go(func() error {
		ctx, cancel := context.WithTimeout(r.ctx, limit)
		defer cancel()
		err := call(ctx, client)
		facts, ferr := client.Facts(ctx)
		if ferr != nil {
			facts = last
		}
		r.current(func() {
			if err != nil {
				s.say(ha.Event, "rfsplug", "Replication: "+err.Error())
			}
			s.learnFacts(facts)
			s.step(automaton.DataDone{Seq: seq, Err: err, Facts: facts})
		})
		return nil
	})
}

func (s *Supervisor) lastFacts() api.DataFacts {
	if s.data.facts == nil {
		return api.DataFacts{}
	}
	return *s.data.facts
}

func (s *Supervisor) learnFacts(f api.DataFacts) { s.data.facts = &f }

func (s *Supervisor) dataEvent(e api.DataEvent) {
	s.learnFacts(e.Facts)
	s.log.WithFields(logrus.Fields{"event": e.Kind, "epoch": e.Epoch, "reason": e.Reason}).Debug("data event")
	switch e.Kind {
	case api.SyncStarted:
		e.Stats.Dir = strings.Join(replicatedDirs(s.active.Config), ", ")
		s.data.stats, s.data.syncing = &e.Stats, true
	case api.SyncProgress:
		s.data.stats, s.data.syncing = &e.Stats, true
	case api.SyncDone:
		s.data.stats, s.data.syncing = &e.Stats, false
		s.syncDone(e)
	case api.SyncFailed:
		s.data.syncing = false
		s.setResource(ha.Resource{Class: "rfs", ID: "reintegre_failed"}, "true", "rfs", true, false)
		s.say(ha.Event, "reintegre", "Reintegration failed: "+e.Reason)
	case api.LocalFault, api.PeerLost, api.PrimaryLost:
		s.say(ha.Event, "rfsplug", "Replication: "+e.Reason)
	default:
	}
	s.step(automaton.Data{Event: e})
}

func (s *Supervisor) syncDone(e api.DataEvent) {
	s.setResource(ha.Resource{Class: "rfs", ID: "reintegre_failed"}, "false", "rfs", true, false)
	if s.local.State.Primary() {
		return // the secondary tells this story
	}
	if e.Stats.Copied > 0 {
		s.say(ha.Event, "reintegre", fmt.Sprintf("Copied %s in %d files, %.1f s, %.0f KB/s",
			size(e.Stats.Done), e.Stats.Copied, e.Stats.Elapsed.Seconds(), e.Stats.Rate/1024))
	}
}

// dataRole is the word of a data role for the log.
func dataRole(r api.DataRole) string {
	switch r {
	case api.DataPrimary:
		return "primary"
	case api.DataSecondary:
		return "secondary"
	default:
		return "idle"
	}
}

// size tells bytes in the unit that reads best.
func size(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1fGB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%dMB", n>>20)
	default:
		return fmt.Sprintf("%dKB", (n+1023)>>10)
	}
}

// replicationConfig turns the active configuration into the plugin's.
func (s *Supervisor) replicationConfig() api.ReplicationConfig {
	rfs := s.active.Config.RFS
	cluster := s.cfg.Paths.Cluster()
	cfg := api.ReplicationConfig{
		Module: s.cfg.Module, Local: s.active.Local, Peer: s.active.Peer,
		StateDir:     filepath.Join(s.cfg.Paths.UserVar(s.cfg.Module), "rfs"),
		Listen:       s.active.Listen.String(),
		PeerAddr:     s.active.PeerAddr.String(),
		CertFile:     filepath.Join(cluster, identity.NodeCertFile),
		KeyFile:      filepath.Join(cluster, identity.NodeKeyFile),
		CAFile:       filepath.Join(cluster, identity.CACertFile),
		SendTimeout:  rfs.SendTimeout,
		LockTimeout:  rfs.LockTimeout,
		CheckTimeout: rfs.CheckTime,
		CheckEvery:   rfs.CheckIntv,
		ResyncRate:   rfs.ReiAllowedBW * 1024,
		ZoneResync:   rfs.NamespacePolicy != 0,
		Tuning:       tuning(rfs),
	}
	for _, d := range rfs.Replicated {
		dir := api.ReplicatedDir{Path: d.Dir, ReadOnly: d.ReadOnly, ToCheck: d.ToCheck}
		for _, n := range d.NotReplicated {
			dir.NotReplicated = append(dir.NotReplicated, api.Filter{Path: n.Path, Regex: n.Regex})
		}
		cfg.Dirs = append(cfg.Dirs, dir)
	}
	return cfg
}

func tuning(rfs *userconfig.RFS) api.ReplicationTuning {
	return api.ReplicationTuning{
		DurableAck:    rfs.Async == userconfig.AsyncNone,
		ResyncThreads: rfs.NbRei,
		ResyncTimeout: rfs.ReiTimeout,
		ResyncDetail:  rfs.ReiDetail,
	}
}
