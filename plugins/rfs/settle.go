package rfs

import (
	"context"
	"fmt"
	"time"

	"github.com/safehold/safehold/plugins/rfs/fs"
	"github.com/safehold/safehold/plugins/rfs/peer"
	"github.com/safehold/safehold/plugins/rfs/resync"
	"github.com/safehold/safehold/plugins/rfs/wire"
)

// settleEvery is how often what both disks have is taken out of the activity
// log, and maps are saved.
const settleEvery = 10 * time.Second

// settle runs rounds until the role ends.
func (p *primary) settle() {
	tick := time.NewTicker(settleEvery)
	defer tick.Stop()
	for {
		select {
		case <-p.ctx.Done():
			return
		case <-tick.C:
		}
		p.pmu.Lock()
		s, equal := p.session, p.equal
		p.pmu.Unlock()
		var err error
		switch {
		case s != nil && equal && p.quiet():
			continue
		case s != nil && equal:
			err = p.round(p.ctx, s, nil)
		case s == nil:
			err = p.checkpoint()
		}
		if err != nil && p.ctx.Err() == nil {
			p.log.WithError(err).Warn("settle replicated data")
		}
	}
}

// quiet tells that a round would change nothing.
func (p *primary) quiet() bool {
	for _, f := range p.mounts.fs {
		if f.HasFresh() {
			return false
		}
	}
	return p.tracker.Quiet()
}

type tracked struct {
	fs *fs.FS
	x  fs.Fresh
}

// round makes everything written so far stable on both disks, then forgets it,
// and gives identities to files that have none.
func (p *primary) round(ctx context.Context, s *peer.Session, compared []resync.Compared) error {
	for _, f := range p.mounts.fs {
		f.FlushTimes()
	}
	var fresh []tracked
	for _, c := range compared {
		if x, ok := p.mounts.fs[c.Dir].Track(c.Path, c.Ino); ok {
			fresh = append(fresh, tracked{p.mounts.fs[c.Dir], x})
		}
	}
	p.flow.Lock()
	if p.flow.Session() != s {
		p.flow.Unlock()
		return peer.ErrLost
	}
	for _, f := range p.mounts.fs {
		for _, x := range f.TrackFresh() {
			fresh = append(fresh, tracked{f, x})
		}
	}
	clock, done := p.tracker.Hot.Clock(), p.tracker.Round()
	call, err := s.Start(wire.TypeStable, nil)
	p.flow.Unlock()
	if err != nil {
		return err
	}
	if err := p.syncRoots(); err != nil {
		return err
	}
	limited, cancel := context.WithTimeoutCause(ctx, p.config().LockTimeout, fmt.Errorf("the peer's disk did not settle in time"))
	defer cancel()
	if _, err := s.Answer(limited, call); err != nil {
		return err
	}
	done()
	if err := p.tracker.Hot.Age(clock); err != nil {
		return err
	}
	for _, t := range fresh {
		t.fs.Identify(t.x, s)
	}
	return nil
}

// checkpoint saves the exact map, then forgets hot extents that it covers. An
// extent that is in the map counts as a difference, so the log need not keep it.
func (p *primary) checkpoint() error {
	p.flow.Lock()
	clock := p.tracker.Hot.Clock()
	p.flow.Unlock()
	if err := p.tracker.Save(); err != nil {
		return err
	}
	return p.tracker.Hot.Age(clock)
}
