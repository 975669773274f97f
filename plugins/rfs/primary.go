package rfs

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/safehold/safehold/plugins/api"
	"github.com/safehold/safehold/plugins/rfs/flow"
	"github.com/safehold/safehold/plugins/rfs/peer"
	"github.com/safehold/safehold/plugins/rfs/state"
	"github.com/safehold/safehold/plugins/rfs/wire"
	"github.com/safehold/safehold/runtime/ha"
)

// primary is the life of DataPrimary.
//
// Modifications are acknowledged only while the peer has acknowledged them too,
// or while the disk says that the peer is behind in a generation it does not
// have. Between the two the gate of the flow is held.
type primary struct {
	*Replicator
	flow   *flow.Flow
	mounts *mounts
	ln     net.Listener
	cancel context.CancelFunc
	wg     sync.WaitGroup
	ctx    context.Context // of this role's goroutines

	attaching sync.Mutex // one peer at a time is welcomed

	pmu      sync.Mutex // guards everything below
	want     api.Assignment
	session  *peer.Session
	equal    bool // the peer is equal: losing it holds the gate
	stopping bool
	deadline *time.Timer // of a held gate
}

func (r *Replicator) startPrimary(a api.Assignment) (role, error) {
	cfg := r.config()
	identity, err := r.identity().Config()
	if err != nil {
		return nil, fmt.Errorf("assign primary: %w", err)
	}
	if err := r.update(func(rec *state.Record) { assume(rec, a) }); err != nil {
		return nil, fmt.Errorf("assign primary: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	p := &primary{Replicator: r, want: a, ctx: ctx, cancel: cancel, flow: flow.New(r.tracker, !r.record().PeerBehind)}
	if p.ln, err = listen(cfg.Listen, identity); err != nil {
		cancel()
		return nil, fmt.Errorf("assign primary: %w", err)
	}
	if p.mounts, err = r.mount(p.flow); err != nil {
		cancel()
		return nil, errors.Join(fmt.Errorf("assign primary: %w", err), p.ln.Close())
	}
	if p.flow.Held() {
		p.pmu.Lock()
		p.startDeadline()
		p.pmu.Unlock()
	}
	p.wg.Go(p.accept)
	p.wg.Go(p.settle)
	r.setPrimary(p)
	return p, nil
}

// assume changes the facts when a node becomes primary.
func assume(rec *state.Record, a api.Assignment) {
	rec.Epoch, rec.Clean = a.Epoch, false
	if !a.Generation.IsZero() && a.Generation != rec.History.Current {
		rec.History = rec.History.Next(a.Generation)
		rec.PeerBehind = true
	}
	if a.Force {
		rec.Consistent, rec.OweFull = true, true
	}
	if a.Sync == api.SyncFull {
		rec.OweFull = true
	}
}

func listen(addr string, cfg *tls.Config) (net.Listener, error) {
	ln, err := tls.Listen("tcp", addr, cfg)
	if err != nil {
		return nil, fmt.Errorf("listen for the peer: %w", err)
	}
	return ln, nil
}

// reassign takes a new assignment of the same role without unmounting.
func (p *primary) reassign(ctx context.Context, a api.Assignment) error {
	p.pmu.Lock()
	p.want = a
	p.pmu.Unlock()
	if a.Generation.IsZero() {
		return p.update(func(rec *state.Record) { assume(rec, a) })
	}
	if err := p.detach(ctx, a.Generation); err != nil {
		return err
	}
	return p.update(func(rec *state.Record) { assume(rec, a) })
}

// tune tells a peer that follows how to acknowledge.
func (p *primary) tune(t api.ReplicationTuning) {
	p.pmu.Lock()
	defer p.pmu.Unlock()
	if p.session != nil {
		p.session.Tell(wire.TypeTune, 0, wire.Marshal(wire.Tune{Durable: t.DurableAck}))
	}
}

// startDeadline lets the gate go by itself when nobody calls Detach. pmu is held.
func (p *primary) startDeadline() {
	if p.deadline != nil {
		p.deadline.Stop()
	}
	wait := 2 * p.config().SendTimeout
	p.deadline = time.AfterFunc(wait, func() {
		p.pmu.Lock()
		defer p.pmu.Unlock()
		if p.stopping || p.equal || !p.flow.Held() {
			return
		}
		if err := p.goAlone(randomGeneration(), fmt.Sprintf("nobody decided within %s", wait)); err != nil {
			p.fail(err)
		}
	})
}

func (p *primary) fail(err error) {
	p.log.WithError(err).Error("the primary cannot go on")
	p.emit(api.DataEvent{Kind: api.LocalFault, Reason: err.Error()})
}

// goAlone makes durable that the peer is behind, then releases what is held. pmu
// is held.
func (p *primary) goAlone(g ha.Generation, reason string) error {
	err := p.update(func(rec *state.Record) {
		if rec.History.Current != g {
			rec.History = rec.History.Next(g)
		}
		rec.PeerBehind = true
	})
	if err != nil {
		return fmt.Errorf("go on without the peer: %w", err)
	}
	p.equal = false
	if p.deadline != nil {
		p.deadline.Stop()
	}
	p.flow.Release()
	p.log.WithField("generation", g.Short()).WithField("reason", reason).Info("peer detached")
	p.emit(api.DataEvent{Kind: api.PeerDetached, Reason: reason})
	return nil
}

// detach ends the session, if any, and goes on alone.
func (p *primary) detach(ctx context.Context, g ha.Generation) error {
	if g.IsZero() {
		g = randomGeneration()
	}
	p.pmu.Lock()
	s := p.session
	p.pmu.Unlock()
	if s != nil {
		s.Fail(errors.New("the core detached the peer"))
		select {
		case <-s.Done():
		case <-ctx.Done():
			return fmt.Errorf("detach the peer: %w", context.Cause(ctx))
		}
	}
	p.pmu.Lock()
	defer p.pmu.Unlock()
	if p.stopping {
		return errors.New("detach the peer: the role is ending")
	}
	return p.goAlone(g, "detached by the core")
}

// lost is called by a session that ended, before anybody learns it.
func (p *primary) lost(s *peer.Session, cause error) {
	p.flow.Lock()
	p.pmu.Lock()
	defer p.pmu.Unlock()
	if p.flow.Session() == s {
		p.flow.SetSession(nil)
	}
	held := p.equal && !p.stopping
	if held {
		p.flow.Hold()
		p.startDeadline()
	}
	p.flow.Unlock()
	p.session, p.equal = nil, false
	var refused *peer.RefusedError
	if errors.As(cause, &refused) && refused.Differs {
		if err := p.update(func(rec *state.Record) { rec.Pairing = "" }); err != nil {
			p.log.WithError(err).Error("save replication state")
		}
	}
	if p.stopping {
		return
	}
	p.log.WithError(cause).WithField("held", held).Warn("peer lost")
	p.emit(api.DataEvent{Kind: api.PeerLost, Reason: cause.Error(), Clean: errors.Is(cause, peer.ErrGoodbye)})
}

// stop drains to the peer, flushes and unmounts.
func (p *primary) stop(ctx context.Context) error {
	p.pmu.Lock()
	if p.deadline != nil {
		p.deadline.Stop()
	}
	equal := p.equal
	p.pmu.Unlock()
	err := p.ln.Close()
	if !equal && p.flow.Held() {
		p.flow.Close() // nobody can acknowledge what is held: it was never promised
	}
	err = errors.Join(err, p.mounts.unmount(false))
	for _, f := range p.mounts.fs {
		f.FlushTimes()
	}
	p.flow.Close()
	err = errors.Join(err, p.flow.Drained(ctx))
	err = errors.Join(err, p.farewell(ctx))
	p.cancel()
	p.mounts.end()
	p.wg.Wait()
	clock := p.tracker.Hot.Clock()
	if serr := errors.Join(p.syncRoots(), p.tracker.Save()); serr != nil {
		return errors.Join(err, serr)
	}
	return errors.Join(err, p.tracker.Hot.Prune(clock))
}

// farewell makes sure that an equal peer has everything on its disk, and parts.
func (p *primary) farewell(ctx context.Context) error {
	p.pmu.Lock()
	s, equal := p.session, p.equal
	p.stopping, p.equal = true, false
	p.pmu.Unlock()
	if s == nil {
		return nil
	}
	if !equal {
		s.Goodbye(p.config().SendTimeout)
		return nil
	}
	if err := p.round(ctx, s, nil); err != nil {
		p.log.WithError(err).Warn("the peer was lost while draining")
		s.Fail(err)
		<-s.Done()
		// It may lack what was acknowledged meanwhile; a new generation says so.
		return p.update(func(rec *state.Record) {
			rec.History, rec.PeerBehind = rec.History.Next(randomGeneration()), true
		})
	}
	s.Goodbye(p.config().SendTimeout)
	return p.update(func(rec *state.Record) { rec.SyncedAt = time.Now() })
}
