package rfs

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/safehold/safehold/plugins/api"
	"github.com/safehold/safehold/plugins/rfs/apply"
	"github.com/safehold/safehold/plugins/rfs/backing"
	"github.com/safehold/safehold/plugins/rfs/peer"
	"github.com/safehold/safehold/plugins/rfs/rescue"
	"github.com/safehold/safehold/plugins/rfs/state"
	"github.com/safehold/safehold/plugins/rfs/wire"
)

// secondary is the life of DataSecondary. It dials until the primary answers,
// catches up and follows. A connection that is lost during the catch-up is tried
// again; one that is lost afterwards ends the following, because it is for the
// core to decide what this node becomes.
type secondary struct {
	*Replicator
	want   api.Assignment
	tls    *tls.Config
	mounts *mounts
	cancel context.CancelFunc
	wg     sync.WaitGroup

	smu      sync.Mutex // guards everything below
	session  *peer.Session
	stopping bool
}

func (r *Replicator) startSecondary(a api.Assignment) (role, error) {
	cfg, err := r.identity().Config()
	if err != nil {
		return nil, fmt.Errorf("assign secondary: %w", err)
	}
	if err := r.update(func(rec *state.Record) { rec.Epoch, rec.Clean = a.Epoch, false }); err != nil {
		return nil, fmt.Errorf("assign secondary: %w", err)
	}
	s := &secondary{Replicator: r, want: a, tls: cfg}
	if s.mounts, err = r.mount(nil); err != nil {
		return nil, fmt.Errorf("assign secondary: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	s.wg.Go(func() { s.follow(ctx) })
	return s, nil
}

// farewell bounds the wait for the primary's answer to a goodbye: it has all
// that this node acknowledged, and this node needs nothing of it any more.
const farewell = 2 * time.Second

// abandon ends the session without a word: this node takes over from a primary
// that is believed dead, and must not wait for its answer.
func (s *secondary) abandon() {
	s.smu.Lock()
	session := s.session
	s.stopping = true
	s.smu.Unlock()
	if session != nil {
		session.Fail(errTakeover)
	}
}

var errTakeover = errors.New("this node takes over")

// stop says goodbye, unmounts and flushes.
func (s *secondary) stop(context.Context) error {
	s.smu.Lock()
	session := s.session
	s.stopping = true
	s.smu.Unlock()
	if session != nil {
		session.Goodbye(farewell)
	}
	s.cancel()
	s.wg.Wait()
	err := s.mounts.unmount(false)
	s.mounts.end()
	return errors.Join(err, s.syncRoots(), s.tracker.Save())
}

// follow tries until the primary was followed once, or said no.
func (s *secondary) follow(ctx context.Context) {
	pause := 50 * time.Millisecond
	since := time.Now()
	told := false
	for ctx.Err() == nil {
		outcome := s.attempt(ctx)
		if outcome.connected {
			since = time.Now()
		}
		switch {
		case s.ending():
			return
		case outcome.synced:
			s.log.WithError(outcome.err).Warn("primary lost")
			s.emit(api.DataEvent{Kind: api.PrimaryLost, Reason: outcome.err.Error(), Clean: errors.Is(outcome.err, peer.ErrGoodbye)})
			return
		case outcome.connected || !told && time.Since(since) > s.config().Tuning.ResyncTimeout:
			s.log.WithError(outcome.err).WithField("retry", outcome.retry).Warn("catch-up failed")
			s.emit(api.DataEvent{Kind: api.SyncFailed, Reason: outcome.err.Error(), Retry: outcome.retry, Diverged: outcome.diverged})
			told = true
		}
		if outcome.connected && !outcome.retry {
			return
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
		pause = min(2*pause, 2*time.Second)
	}
}

// outcome is how one attempt ended.
type outcome struct {
	err       error
	connected bool // the primary answered
	synced    bool // this node was equal
	retry     bool
	diverged  bool
}

func (s *secondary) attempt(ctx context.Context) outcome {
	cfg := s.config()
	link, err := s.dial(ctx, cfg)
	if err != nil {
		return outcome{err: err, retry: true}
	}
	stop := context.AfterFunc(ctx, func() { link.Close() })
	defer stop()
	defer link.Close()
	rec := s.record()
	w, err := s.greet(link, cfg, rec)
	var refused *peer.RefusedError
	if errors.As(err, &refused) {
		return outcome{err: err, connected: true, retry: refused.Retry, diverged: refused.Diverged}
	}
	if err != nil {
		return outcome{err: err, retry: true}
	}
	return s.run(ctx, link, cfg, rec, w)
}

func (s *secondary) dial(ctx context.Context, cfg api.ReplicationConfig) (*peer.Link, error) {
	d := tls.Dialer{NetDialer: &net.Dialer{Timeout: cfg.SendTimeout}, Config: s.tls}
	ctx, cancel := context.WithTimeout(ctx, cfg.SendTimeout)
	defer cancel()
	conn, err := d.DialContext(ctx, "tcp", cfg.PeerAddr)
	if err != nil {
		return nil, fmt.Errorf("connect to the primary: %w", err)
	}
	return peer.NewLink(conn), nil
}

// greet exchanges hello and welcome.
func (s *secondary) greet(l *peer.Link, cfg api.ReplicationConfig, rec state.Record) (wire.Welcome, error) {
	h := wire.Hello{Version: wire.Version, Module: cfg.Module, Node: cfg.Local, Epoch: s.want.Epoch, History: rec.History, Pairing: rec.Pairing,
		Consistent: rec.Consistent, Clean: rec.Clean, BlockSize: cfg.BlockSize, GiveWay: s.want.GiveWay, Since: s.want.Since}
	h.Mode = map[api.SyncMode]string{api.SyncAuto: modeAuto, api.SyncFull: modeFull, api.SyncSince: modeDate, api.SyncNone: modeNone}[s.want.Sync]
	for _, d := range cfg.Dirs {
		h.Dirs = append(h.Dirs, d.Path)
	}
	var w wire.Welcome
	if err := l.Write(wire.TypeHello, s.want.Epoch, wire.Marshal(h), cfg.SendTimeout); err != nil {
		return w, fmt.Errorf("greet the primary: %w", err)
	}
	head, b, err := l.Read(max(cfg.SendTimeout, cfg.LockTimeout))
	if err != nil {
		return w, fmt.Errorf("greet the primary: %w", err)
	}
	switch head.Type {
	case wire.TypeRefuse:
		var r wire.Refuse
		if err := wire.Unmarshal(b, &r); err != nil {
			return w, err
		}
		return w, &peer.RefusedError{Refuse: r}
	case wire.TypeWelcome:
	default:
		return w, fmt.Errorf("%w: %s instead of a welcome", wire.ErrFrame, head.Type)
	}
	if err := wire.Unmarshal(b, &w); err != nil {
		return w, err
	}
	if w.Version != wire.Version || w.Node != cfg.Peer {
		return w, fmt.Errorf("%w: welcome of node %s, version %d", wire.ErrFrame, w.Node, w.Version)
	}
	if w.Epoch < s.want.Epoch || head.Epoch < s.want.Epoch {
		return w, &peer.RefusedError{Refuse: wire.Refuse{Retry: true, Reason: fmt.Sprintf("primary of epoch %d, this node is in %d", w.Epoch, s.want.Epoch)}}
	}
	return w, nil
}

// run serves the session until it ends.
func (s *secondary) run(ctx context.Context, l *peer.Link, cfg api.ReplicationConfig, rec state.Record, w wire.Welcome) outcome {
	var synced bool  // written by the session's reading goroutine, read when it has ended
	var failed error // likewise: what went wrong on this node
	var session *peer.Session
	var a *apply.Applier
	ac := apply.Config{Tracker: s.tracker, StateDir: cfg.StateDir, Durable: w.Durable,
		Began:    func() error { return s.update(func(r *state.Record) { r.Consistent = false }) },
		Rescue:   s.rescue,
		Ended:    func(e wire.SyncEnd) error { synced = true; return s.ended(e) },
		Progress: func(st wire.Stats) { s.emit(api.DataEvent{Kind: api.SyncProgress, Stats: api.SyncStats(st)}) }}
	for _, d := range s.dirs {
		ac.Roots, ac.Filters = append(ac.Roots, d.root), append(ac.Filters, d.filter)
	}
	a = apply.New(ac)
	// What fails is told to the primary before the session ends, with its reason.
	tell := func(err error) error {
		if err == nil {
			return nil
		}
		failed = err
		var differs *apply.DiffersError
		session.Refuse(wire.Refuse{Reason: err.Error(), Retry: !full(err) && !diskError(err), Differs: errors.As(err, &differs)}, time.Second)
		return err
	}
	session = peer.NewSession(l, peer.Options{Epoch: w.Epoch, MinEpoch: s.want.Epoch, SendTimeout: cfg.SendTimeout, LockTimeout: cfg.LockTimeout,
		Frame:  func(h wire.Header, p []byte) error { return tell(a.Frame(h, p)) },
		Commit: func() error { return tell(a.Commit()) }})
	a.Attach(session)
	s.setSession(session)
	s.emit(api.DataEvent{Kind: api.SyncStarted, Stats: api.SyncStats{Mode: w.Mode}})
	s.log.WithField("mode", w.Mode).WithField("trusted", w.Trusted).WithField("from", rec.History.Current.Short()).
		WithField("to", w.History.Current.Short()).Info("catch-up started")
	err := session.Run(ctx)
	s.setSession(nil)
	a.Close()
	o := outcome{err: err, connected: true, synced: synced, retry: true}
	var refused *peer.RefusedError
	if errors.As(err, &refused) {
		o.retry, o.diverged = refused.Retry, refused.Diverged
	}
	if failed != nil && diskError(failed) {
		s.emit(api.DataEvent{Kind: api.LocalFault, Reason: failed.Error()})
	}
	return o
}

// full tells errors of a disk without room.
func full(err error) bool {
	return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) || errors.Is(err, rescue.ErrNoRoom)
}

func (s *secondary) ending() bool {
	s.smu.Lock()
	defer s.smu.Unlock()
	return s.stopping
}

func (s *secondary) setSession(p *peer.Session) {
	s.smu.Lock()
	defer s.smu.Unlock()
	s.session = p
}

// ended makes durable that this node is equal to the primary.
func (s *secondary) ended(e wire.SyncEnd) error {
	if err := s.tracker.Reset(); err != nil {
		return err
	}
	if err := s.tracker.Hot.Prune(s.tracker.Hot.Clock()); err != nil {
		return err
	}
	err := s.update(func(r *state.Record) {
		r.History, r.Pairing, r.SyncedAt = e.History, e.Pairing, e.At
		r.Consistent, r.PeerBehind, r.OweFull = true, false, false
	})
	if err != nil {
		return err
	}
	s.log.WithField("generation", e.History.Current.Short()).Info("catch-up done")
	s.emit(api.DataEvent{Kind: api.SyncDone, Stats: api.SyncStats(e.Stats)})
	return nil
}

// rescue keeps what this node wrote apart.
func (s *secondary) rescue(ctx context.Context) error {
	var roots []*backing.Root
	var filters []*backing.Filter
	for _, d := range s.dirs {
		roots, filters = append(roots, d.root), append(filters, d.filter)
	}
	where, n, err := rescue.Keep(ctx, s.config().StateDir, roots, filters, s.tracker, time.Now())
	if err != nil {
		return err
	}
	if n > 0 {
		s.log.WithField("path", where).WithField("files", n).Warn("what this node wrote apart was kept")
	}
	return nil
}
