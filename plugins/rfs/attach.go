package rfs

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/safehold/safehold/plugins/api"
	"github.com/safehold/safehold/plugins/rfs/peer"
	"github.com/safehold/safehold/plugins/rfs/resync"
	"github.com/safehold/safehold/plugins/rfs/state"
	"github.com/safehold/safehold/plugins/rfs/wire"
	"github.com/safehold/safehold/runtime/ha"
)

// accept takes connections until the listener is closed.
func (p *primary) accept() {
	for {
		conn, err := p.ln.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			p.log.WithError(err).Warn("accept the peer")
			select {
			case <-time.After(100 * time.Millisecond):
				continue
			case <-p.ctx.Done():
				return
			}
		}
		p.wg.Go(func() { p.receive(conn) })
	}
}

// receive authenticates a connection and serves the peer on it.
func (p *primary) receive(conn net.Conn) {
	ctx, cancel := context.WithTimeout(p.ctx, p.config().SendTimeout)
	defer cancel()
	if err := conn.(*tls.Conn).HandshakeContext(ctx); err != nil {
		p.log.WithError(err).WithField("from", conn.RemoteAddr().String()).Warn("a connection was not the peer's")
		conn.Close()
		return
	}
	link := peer.NewLink(conn)
	stop := context.AfterFunc(p.ctx, func() { link.Close() })
	defer stop()
	p.attaching.Lock()
	defer p.attaching.Unlock()
	if err := p.welcome(link); err != nil && p.ctx.Err() == nil {
		p.log.WithError(err).Warn("peer not attached")
	}
	link.Close()
}

// plan is how a secondary will be brought up to date.
type plan struct {
	hello  wire.Hello
	begin  wire.SyncBegin
	nosync bool // the nodes are equal by what the handover said
	pair   string
}

// welcome answers a hello and serves the session until it ends.
func (p *primary) welcome(l *peer.Link) error {
	cfg := p.config()
	_, b, err := l.Read(cfg.SendTimeout)
	if err != nil {
		return fmt.Errorf("read hello: %w", err)
	}
	var h wire.Hello
	if err := wire.Unmarshal(b, &h); err != nil {
		return err
	}
	p.replace()
	rec := p.record()
	pl, refusal := p.decide(rec, cfg, h)
	if refusal != nil {
		if err := l.Write(wire.TypeRefuse, rec.Epoch, wire.Marshal(refusal), cfg.SendTimeout); err != nil {
			return err
		}
		return &peer.RefusedError{Refuse: *refusal}
	}
	w := wire.Welcome{Version: wire.Version, Node: cfg.Local, Epoch: rec.Epoch, History: rec.History, Pairing: rec.Pairing,
		Mode: pl.begin.Mode, Trusted: pl.begin.Trusted, Durable: cfg.Tuning.DurableAck}
	if err := l.Write(wire.TypeWelcome, rec.Epoch, wire.Marshal(w), cfg.SendTimeout); err != nil {
		return err
	}
	return p.serve(l, rec.Epoch, cfg, pl)
}

// replace ends an older session: its peer has started again.
func (p *primary) replace() {
	p.pmu.Lock()
	s := p.session
	p.pmu.Unlock()
	if s != nil {
		s.Fail(errors.New("the peer connected again"))
		<-s.Done()
	}
}

// decide chooses the way to catch up, or refuses.
func (p *primary) decide(rec state.Record, cfg api.ReplicationConfig, h wire.Hello) (plan, *wire.Refuse) {
	refuse := func(format string, args ...any) (plan, *wire.Refuse) {
		return plan{}, &wire.Refuse{Reason: fmt.Sprintf(format, args...)}
	}
	p.pmu.Lock()
	want := p.want
	p.pmu.Unlock()
	switch {
	case h.Version != wire.Version:
		return refuse("the secondary speaks protocol version %d, this node %d: install the same release on both", h.Version, wire.Version)
	case h.Module != cfg.Module || h.Node != cfg.Peer:
		return refuse("module %s of node %s is not the peer of module %s", h.Module, h.Node, cfg.Module)
	case h.Epoch > rec.Epoch:
		return plan{}, &wire.Refuse{Retry: true, Reason: fmt.Sprintf("this primary is in epoch %d, the secondary already in %d", rec.Epoch, h.Epoch)}
	case len(h.Dirs) != len(cfg.Dirs):
		return refuse("the nodes replicate different directories: %d here, %d there: give both the same configuration", len(cfg.Dirs), len(h.Dirs))
	case h.BlockSize != cfg.BlockSize:
		return refuse("the nodes use different block sizes: %d here, %d there: give both the same configuration", cfg.BlockSize, h.BlockSize)
	}
	relation := ha.Compare(h.History, rec.History)
	apart := relation == ha.Ahead || relation == ha.Diverged
	if apart && !h.GiveWay {
		return plan{}, &wire.Refuse{Diverged: true, Reason: fmt.Sprintf(
			"both nodes wrote apart (the secondary is %s): choose which one gives way", relation)}
	}
	pl := plan{hello: h, pair: rec.Pairing}
	pl.begin = wire.SyncBegin{Mode: resync.ModeDefault, Rescue: apart, Trusted: rec.Pairing != "" && rec.Pairing == h.Pairing}
	switch {
	case rec.OweFull || want.Sync == api.SyncFull || h.Mode == modeFull:
		pl.begin.Mode, pl.begin.Full, pl.begin.Trusted = resync.ModeFull, true, false
	case h.Mode == modeDate:
		pl.begin.Mode = resync.ModeDate
	case h.Mode == modeNone || want.Sync == api.SyncNone:
		pl.nosync = relation == ha.Same && pl.begin.Trusted && h.Consistent && rec.Consistent && p.tracker.Bytes() == 0
	}
	if !pl.begin.Trusted {
		pl.pair = randomGeneration().String()
	}
	return pl, nil
}

// The ways to catch up as a Hello names them.
const (
	modeAuto = "auto"
	modeFull = "full"
	modeDate = "date"
	modeNone = "none"
)

// serve runs the session: catch-up first, then everything that is written.
func (p *primary) serve(l *peer.Link, epoch uint64, cfg api.ReplicationConfig, pl plan) error {
	var s *peer.Session
	s = peer.NewSession(l, peer.Options{Epoch: epoch, SendTimeout: cfg.SendTimeout, LockTimeout: cfg.LockTimeout,
		OnLost: func(cause error) { p.lost(s, cause) }})
	p.pmu.Lock()
	if p.stopping {
		p.pmu.Unlock()
		return errors.New("the role is ending")
	}
	p.session = s
	p.pmu.Unlock()
	p.log.WithField("mode", pl.begin.Mode).WithField("trusted", pl.begin.Trusted).Info("peer attached")
	p.emit(api.DataEvent{Kind: api.PeerAttached, Reason: pl.begin.Mode})
	ctx, cancel := context.WithCancel(p.ctx)
	defer cancel()
	p.wg.Go(func() {
		select {
		case <-s.Ended():
			cancel()
		case <-ctx.Done():
		}
	})
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := p.catchUp(ctx, s, cfg, pl); err != nil {
			p.giveUp(s, cfg, err)
		}
	}()
	// The attaching lock is given up while the session lives, so that a peer that
	// started again can replace it.
	p.attaching.Unlock()
	err := s.Run(p.ctx)
	<-done
	p.attaching.Lock()
	return err
}

// giveUp ends a session whose catch-up failed.
func (p *primary) giveUp(s *peer.Session, cfg api.ReplicationConfig, err error) {
	if s.Err() != nil {
		return
	}
	r := wire.Refuse{Reason: err.Error(), Retry: true}
	var refused *resync.RefusedError
	if errors.As(err, &refused) {
		r = refused.Refuse
	}
	p.log.WithError(err).Warn("catch-up of the peer failed")
	s.Refuse(r, cfg.SendTimeout)
}

// catchUp makes the peer equal and says so on both disks.
func (p *primary) catchUp(ctx context.Context, s *peer.Session, cfg api.ReplicationConfig, pl plan) error {
	p.emit(api.DataEvent{Kind: api.SyncStarted, Stats: api.SyncStats{Mode: pl.begin.Mode}})
	res, err := p.bringUp(ctx, s, cfg, pl)
	if err != nil {
		return err
	}
	if err := p.round(ctx, s, res.Compared); err != nil {
		return err
	}
	p.pmu.Lock()
	if p.stopping {
		p.pmu.Unlock()
		return errors.New("the role is ending")
	}
	p.equal = true // from here on the peer may believe it, so losing it holds the gate
	end := wire.SyncEnd{History: p.record().History, Pairing: pl.pair, At: time.Now().UTC(), Stats: res.Stats}
	p.pmu.Unlock()
	limited, cancel := context.WithTimeout(ctx, cfg.LockTimeout)
	defer cancel()
	b, err := s.Call(limited, wire.TypeSyncEnd, wire.Marshal(end))
	if err != nil {
		return err
	}
	var a wire.Answer
	if err := wire.Unmarshal(b, &a); err != nil {
		return err
	}
	return p.nowEqual(s, end)
}

func (p *primary) bringUp(ctx context.Context, s *peer.Session, cfg api.ReplicationConfig, pl plan) (resync.Result, error) {
	if pl.nosync {
		p.flow.Lock()
		defer p.flow.Unlock()
		p.flow.SetSession(s)
		return resync.Result{Stats: wire.Stats{Mode: pl.begin.Mode}}, nil
	}
	if pl.begin.Full { // remembered until it succeeded
		if err := p.update(func(rec *state.Record) { rec.OweFull = true }); err != nil {
			return resync.Result{}, err
		}
	}
	rc := resync.Config{Session: s, Flow: p.flow, Begin: pl.begin, Since: pl.hello.Since, Whole: !cfg.ZoneResync,
		Threads: cfg.Tuning.ResyncThreads, Rate: cfg.ResyncRate, Block: cfg.BlockSize, Timeout: cfg.Tuning.ResyncTimeout,
		Log: p.log, Detail: cfg.Tuning.ResyncDetail,
		Progress: func(st wire.Stats) { p.emit(api.DataEvent{Kind: api.SyncProgress, Stats: api.SyncStats(st)}) }}
	for i, d := range p.dirs {
		rc.Dirs = append(rc.Dirs, resync.Dir{Root: d.root, Filter: d.filter, FS: p.mounts.fs[i]})
	}
	return resync.Run(ctx, rc)
}

// nowEqual notes that the peer is equal and lets held modifications go.
func (p *primary) nowEqual(s *peer.Session, end wire.SyncEnd) error {
	p.pmu.Lock()
	defer p.pmu.Unlock()
	if !p.equal || p.session != s {
		return peer.ErrLost
	}
	err := p.update(func(rec *state.Record) {
		rec.PeerBehind, rec.OweFull, rec.Consistent, rec.Pairing, rec.SyncedAt = false, false, true, end.Pairing, end.At
	})
	if err == nil {
		err = p.tracker.Reset()
	}
	if err != nil {
		p.fail(err)
		return err
	}
	if p.deadline != nil {
		p.deadline.Stop()
	}
	p.flow.Release()
	p.log.WithField("mode", end.Stats.Mode).WithField("bytes", end.Stats.Done).Info("peer is equal")
	p.emit(api.DataEvent{Kind: api.SyncDone, Stats: api.SyncStats(end.Stats)})
	p.emit(api.DataEvent{Kind: api.PeerReady})
	return nil
}
