package rfs

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/safehold/safehold/plugins/api"
	"github.com/safehold/safehold/plugins/rfs/state"
	"github.com/safehold/safehold/runtime/ha"
)

// Assign changes the role; see api.Replicator.
func (r *Replicator) Assign(ctx context.Context, a api.Assignment) error {
	r.assign.Lock()
	defer r.assign.Unlock()
	r.mu.Lock()
	ready, rec := r.ready, r.rec
	r.mu.Unlock()
	switch {
	case !ready:
		return ErrNotConfigured
	case a.Epoch < rec.Epoch && a.Role != api.DataSecondary:
		// A secondary follows the epoch of its primary, which is lower than its
		// own after a split brain that the former primary survived.
		return fmt.Errorf("assign role in epoch %d, this node is in %d: %w", a.Epoch, rec.Epoch, ErrOldEpoch)
	case a.Role > api.DataSecondary:
		return fmt.Errorf("assign role: unknown role %d", a.Role)
	case a.Role == api.DataPrimary && !rec.Consistent && !a.Force:
		return errors.New("assign primary: the data of this node are inconsistent (an interrupted catch-up): synchronise it, or force it")
	}
	if p, ok := r.role.(*primary); ok && a.Role == api.DataPrimary {
		return p.reassign(ctx, a)
	}
	if s, ok := r.role.(*secondary); ok && a.Role == api.DataPrimary && !a.Generation.IsZero() {
		s.abandon()
	}
	if err := r.endRole(ctx, a.Role); err != nil {
		return err
	}
	if a.Role == api.DataIdle {
		return r.update(func(rec *state.Record) { rec.Epoch = max(rec.Epoch, a.Epoch) })
	}
	if err := r.check(); err != nil {
		return err
	}
	var next role
	var err error
	if a.Role == api.DataPrimary {
		next, err = r.startPrimary(a)
	} else {
		next, err = r.startSecondary(a)
	}
	if err != nil {
		return err
	}
	r.role = next
	return nil
}

// endRole ends the role in force. When nothing follows, the maps on disk are
// exact and said to be so.
func (r *Replicator) endRole(ctx context.Context, next api.DataRole) error {
	if r.role == nil {
		return nil
	}
	old := r.role
	r.role = nil
	r.setPrimary(nil)
	if err := old.stop(ctx); err != nil {
		return fmt.Errorf("end the role: %w", err)
	}
	if next != api.DataIdle {
		return nil
	}
	return r.update(func(rec *state.Record) { rec.Clean = true })
}

func (r *Replicator) setPrimary(p *primary) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.primary = p
}

// check looks for what must exist before replication starts.
func (r *Replicator) check() error {
	for _, d := range r.dirs {
		for _, rel := range d.cfg.ToCheck {
			if _, err := d.root.Lstat(rel); err != nil {
				return fmt.Errorf("%s/%s must exist before replication starts (tocheck): %w", d.cfg.Path, rel, err)
			}
		}
		marker, err := d.root.Marker()
		if err != nil {
			return err
		}
		if marker != r.record().Trees[d.cfg.Path] {
			return fmt.Errorf("directory %s lost its identity marker: configure replication again", d.cfg.Path)
		}
	}
	return nil
}

// Detach lets a primary go on without its peer; see api.Replicator.
func (r *Replicator) Detach(ctx context.Context, g ha.Generation) error {
	r.mu.Lock()
	p := r.primary
	r.mu.Unlock()
	if p == nil {
		return errors.New("detach the peer: this node is not primary")
	}
	return p.detach(ctx, g)
}

// syncRoots makes all directories durable.
func (r *Replicator) syncRoots() error {
	for _, d := range r.dirs {
		if err := d.root.Sync(); err != nil {
			return err
		}
	}
	return nil
}

// diskError tells errors of this node's disk.
func diskError(err error) bool {
	return errors.Is(err, unix.EIO) || errors.Is(err, unix.EROFS) || errors.Is(err, unix.ENXIO)
}
