package rfs

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/sirupsen/logrus"
	"golang.org/x/sys/unix"

	"github.com/safehold/safehold/plugins/api"
	"github.com/safehold/safehold/plugins/rfs/backing"
	"github.com/safehold/safehold/plugins/rfs/dirty"
	"github.com/safehold/safehold/plugins/rfs/fuse"
	"github.com/safehold/safehold/plugins/rfs/peer"
	"github.com/safehold/safehold/plugins/rfs/state"
	"github.com/safehold/safehold/runtime/ha"
)

// Version of the replicator, told by Info.
const Version = "1"

// Replicator implements api.Replicator.
type Replicator struct {
	log logrus.FieldLogger
	hub hub

	assign sync.Mutex // one Configure, Assign or Close at a time; guards role
	role   role

	mu      sync.Mutex // guards everything below
	cfg     api.ReplicationConfig
	dirs    []dir
	tracker *dirty.Tracker
	file    state.File
	rec     state.Record
	ready   bool // Configure succeeded
	primary *primary
}

type dir struct {
	cfg    api.ReplicatedDir
	root   *backing.Root
	filter *backing.Filter
}

// role is what an Assignment started. stop ends it: drained, flushed, unmounted.
type role interface {
	stop(ctx context.Context) error
}

var _ api.Replicator = (*Replicator)(nil)

// ErrNotConfigured is returned by calls before Configure.
var ErrNotConfigured = errors.New("replication is not configured")

// ErrOldEpoch is wrapped when an Assignment belongs to the past.
var ErrOldEpoch = errors.New("assignment of an older epoch")

// New makes a replicator that is not configured.
func New(log logrus.FieldLogger) api.Replicator { return &Replicator{log: log} }

// Info tells what this plugin is.
func (r *Replicator) Info(context.Context) (api.Info, error) {
	return api.Info{Kind: api.KindReplication, Name: "rfs", Version: Version}, nil
}

// defaults of userconfig-xml.md section 9.
func complete(c api.ReplicationConfig) api.ReplicationConfig {
	def := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	def(&c.SendTimeout, 30*time.Second)
	def(&c.LockTimeout, 100*time.Second)
	def(&c.CheckTimeout, 220*time.Second)
	def(&c.CheckEvery, 120*time.Second)
	def(&c.Tuning.ResyncTimeout, 150*time.Second)
	if c.BlockSize == 0 {
		c.BlockSize = 64 << 10
	}
	if c.Tuning.ResyncThreads < 1 {
		c.Tuning.ResyncThreads = 6
	}
	return c
}

// Configure opens directories and state; see api.Replicator.
func (r *Replicator) Configure(ctx context.Context, cfg api.ReplicationConfig) error {
	r.assign.Lock()
	defer r.assign.Unlock()
	if r.role != nil {
		return errors.New("configure replication: a role is assigned: assign idle first")
	}
	r.closeAll()
	cfg = complete(cfg)
	if cfg.BlockSize < 4096 || cfg.BlockSize > 1<<20 || cfg.BlockSize&(cfg.BlockSize-1) != 0 {
		return fmt.Errorf("configure replication: block size %d is not a power of two from 4096 to 1048576", cfg.BlockSize)
	}
	if len(cfg.Dirs) == 0 {
		return errors.New("configure replication: no directory to replicate")
	}
	if err := os.MkdirAll(cfg.StateDir, 0o700); err != nil {
		return fmt.Errorf("configure replication: %w", err)
	}
	unix.Umask(0)
	dirs, err := openDirs(cfg.Dirs)
	if err != nil {
		return fmt.Errorf("configure replication: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cfg, r.dirs, r.file = cfg, dirs, state.In(cfg.StateDir)
	if err := r.loadState(); err != nil {
		r.closeLocked()
		return fmt.Errorf("configure replication: %w", err)
	}
	r.ready = true
	r.hub.send(api.DataEvent{Kind: api.FactsChanged, Facts: r.factsLocked()})
	return nil
}

func openDirs(list []api.ReplicatedDir) (dirs []dir, err error) {
	defer func() {
		if err != nil {
			for _, d := range dirs {
				d.root.Close()
			}
		}
	}()
	for _, c := range list {
		if _, err := fuse.Detach(c.Path); err != nil {
			return dirs, fmt.Errorf("take a dead mount away: %w", err)
		}
		filter, err := backing.NewFilter(c.NotReplicated)
		if err != nil {
			return dirs, err
		}
		root, err := backing.OpenRoot(c.Path)
		if err != nil {
			return dirs, err
		}
		dirs = append(dirs, dir{c, root, filter})
	}
	return dirs, nil
}

// loadState reads what is on disk and compares it with the trees. mu is held.
func (r *Replicator) loadState() error {
	rec, err := r.file.Load()
	known := true
	switch {
	case errors.Is(err, os.ErrNotExist):
		rec, known = state.Record{Consistent: true, Clean: true}, false
	case errors.Is(err, state.ErrCorrupt):
		r.log.WithError(err).Error("replication state is damaged: this node is treated as not up to date")
		if err := r.file.SetAside(time.Now()); err != nil {
			return err
		}
		rec, known = state.Record{}, false
	case err != nil:
		return err
	}
	if known && rec.Module != r.cfg.Module {
		return fmt.Errorf("state in %s belongs to module %s: give module %s a directory of its own", r.cfg.StateDir, rec.Module, r.cfg.Module)
	}
	rec.Module = r.cfg.Module
	if err := r.checkTrees(&rec, known); err != nil {
		return err
	}
	t, damaged, err := dirty.Open(r.cfg.StateDir, r.cfg.BlockSize)
	if err != nil {
		return err
	}
	if damaged {
		r.log.Error("dirty map is damaged: the next catch-up compares everything")
		rec.Pairing = ""
	}
	r.tracker, r.rec = t, rec
	return r.file.Save(rec)
}

// checkTrees compares the markers of the directories with what is expected. A
// directory that is new to this node, or whose record was lost, makes all of the
// node's data unknown.
func (r *Replicator) checkTrees(rec *state.Record, known bool) error {
	trees := map[string]string{}
	for _, d := range r.dirs {
		marker, err := d.root.Marker()
		if err != nil {
			return err
		}
		want, expected := rec.Trees[d.cfg.Path]
		switch {
		case known && expected && marker == "":
			return fmt.Errorf("directory %s does not carry its identity marker: is its volume mounted?", d.cfg.Path)
		case known && expected && marker != want:
			return fmt.Errorf("directory %s carries the identity marker of another tree (%s, expected %s): is the right volume mounted?", d.cfg.Path, marker, want)
		case !known || !expected:
			if want, err = mark(d.root, r.cfg.Module); err != nil {
				return err
			}
			rec.History, rec.Pairing, rec.PeerBehind, rec.SyncedAt = ha.History{}, "", false, time.Time{}
		}
		trees[d.cfg.Path] = want
	}
	rec.Trees = trees
	return nil
}

func mark(root *backing.Root, module ha.ModuleName) (string, error) {
	id := fmt.Sprintf("%s/%s", module, randomGeneration())
	return id, root.SetMarker(id)
}

func randomGeneration() (g ha.Generation) {
	_, _ = rand.Read(g[:])
	return g
}

// closeAll gives back what Configure opened.
func (r *Replicator) closeAll() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closeLocked()
}

func (r *Replicator) closeLocked() {
	for _, d := range r.dirs {
		d.root.Close()
	}
	if r.tracker != nil {
		r.tracker.Close()
	}
	r.dirs, r.tracker, r.ready = nil, nil, false
}

// Facts tells what the disk says.
func (r *Replicator) Facts(context.Context) (api.DataFacts, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.ready {
		return api.DataFacts{}, ErrNotConfigured
	}
	return r.factsLocked(), nil
}

func (r *Replicator) factsLocked() api.DataFacts {
	return api.DataFacts{History: r.rec.History, Consistent: r.rec.Consistent, Clean: r.rec.Clean, PeerBehind: r.rec.PeerBehind,
		SyncedAt: r.rec.SyncedAt, DirtyBytes: r.tracker.Bytes()}
}

// record is a copy of the durable facts.
func (r *Replicator) record() state.Record {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rec
}

// update changes the durable facts; they are on disk when it returns.
func (r *Replicator) update(f func(*state.Record)) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	next := r.rec
	f(&next)
	if err := r.file.Save(next); err != nil {
		return err
	}
	r.rec = next
	r.hub.send(api.DataEvent{Kind: api.FactsChanged, Epoch: next.Epoch, Facts: r.factsLocked()})
	return nil
}

// emit sends an event with the newest facts.
func (r *Replicator) emit(e api.DataEvent) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e.Epoch, e.Facts = r.rec.Epoch, r.factsLocked()
	r.hub.send(e)
}

// Tune changes what may change while running. The number of threads and the
// timeout of resynchronisation take effect with the next one.
func (r *Replicator) Tune(_ context.Context, t api.ReplicationTuning) error {
	r.mu.Lock()
	ready, p := r.ready, r.primary
	if ready {
		cfg := r.cfg
		cfg.Tuning = t
		r.cfg = complete(cfg)
	}
	r.mu.Unlock()
	if !ready {
		return ErrNotConfigured
	}
	if p != nil {
		p.tune(t)
	}
	return nil
}

func (r *Replicator) config() api.ReplicationConfig {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cfg
}

// Watch streams events.
func (r *Replicator) Watch(ctx context.Context) (<-chan api.DataEvent, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	first := api.DataEvent{Kind: api.FactsChanged, Epoch: r.rec.Epoch}
	if r.ready {
		first.Facts = r.factsLocked()
	}
	return r.hub.watch(ctx, first), nil
}

func (r *Replicator) identity() peer.Identity {
	c := r.config()
	return peer.Identity{CertFile: c.CertFile, KeyFile: c.KeyFile, CAFile: c.CAFile, Peer: c.Peer}
}
