package rfs

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/safehold/safehold/plugins/api"
	"github.com/safehold/safehold/plugins/rfs/flow"
	"github.com/safehold/safehold/plugins/rfs/fs"
	"github.com/safehold/safehold/plugins/rfs/fuse"
)

// mounts are the mounted directories of a role, with the goroutines that serve
// and probe them.
type mounts struct {
	log    logrus.FieldLogger
	fs     []*fs.FS
	conns  []*fuse.Conn
	paths  []string
	lazy   []bool // out of the tree, but still used
	fault  func(reason string)
	cancel context.CancelFunc
	probe  context.CancelFunc
	wg     sync.WaitGroup

	mu       sync.Mutex // guards stopping
	stopping bool
}

// mount mounts every directory. fl is nil for a read-only view.
func (r *Replicator) mount(fl *flow.Flow) (*mounts, error) {
	cfg := r.config()
	ctx, cancel := context.WithCancel(context.Background())
	probing, probe := context.WithCancel(ctx)
	m := &mounts{log: r.log, cancel: cancel, probe: probe}
	var once sync.Once // one fault ends the role; the first says why
	m.fault = func(reason string) {
		once.Do(func() { r.fault(reason) })
	}
	for i, d := range r.dirs {
		f, err := fs.New(fs.Config{Dir: uint16(i), Root: d.root, Filter: d.filter, Flow: fl, ReadOnly: fl == nil,
			Fault: func(err error) { m.fault(fmt.Sprintf("disk of %s: %v", d.cfg.Path, err)) }})
		if err == nil {
			var c *fuse.Conn
			c, err = fuse.Mount(ctx, d.cfg.Path, fuse.Options{Dir: d.root.File(), Source: "safekit-" + string(cfg.Module),
				ReadOnly: fl == nil, Log: r.log})
			if err == nil {
				m.serve(ctx, c, f, d.cfg.Path)
				err = fs.SettlePoll(d.cfg.Path)
			}
		}
		if err != nil {
			return nil, errors.Join(err, m.unmount(true))
		}
	}
	for _, p := range m.paths {
		m.wg.Go(func() { m.watch(probing, p, cfg.CheckEvery, cfg.CheckTimeout) })
	}
	return m, nil
}

func (r *Replicator) fault(reason string) {
	r.log.WithField("reason", reason).Error("replicated directory fails")
	r.emit(api.DataEvent{Kind: api.LocalFault, Reason: reason})
}

func (m *mounts) serve(ctx context.Context, c *fuse.Conn, f *fs.FS, path string) {
	m.fs, m.conns, m.paths = append(m.fs, f), append(m.conns, c), append(m.paths, path)
	m.lazy = append(m.lazy, false)
	m.wg.Go(func() {
		err := c.Serve(ctx, f)
		m.mu.Lock()
		defer m.mu.Unlock()
		if !m.stopping {
			m.fault(fmt.Sprintf("the mount of %s ended: %v", path, err))
		}
	})
}

// watch asks the mount from time to time whether it answers.
func (m *mounts) watch(ctx context.Context, path string, every, timeout time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		limited, cancel := context.WithTimeout(ctx, timeout)
		health, err := fuse.DetectStale(limited, path)
		cancel()
		if ctx.Err() != nil {
			return
		}
		if err != nil || health != fuse.Alive {
			m.fault(fmt.Sprintf("the mounted directory %s does not answer within %s (checktime): %s", path, timeout, health))
			return
		}
	}
}

// unmount takes the mounts away. Files that applications still hold open do not
// stop it: the mount leaves the tree at once, and abort, called when nothing more
// may be written, ends what is left. force skips the polite attempt.
func (m *mounts) unmount(force bool) error {
	m.mu.Lock()
	m.stopping = true
	m.mu.Unlock()
	m.probe()
	var errs []error
	for i, c := range m.conns {
		err := fuse.ErrBusy
		if !force {
			err = c.Unmount()
		}
		if errors.Is(err, fuse.ErrBusy) {
			if !force {
				m.log.WithField("path", m.paths[i]).Warn("replicated directory is still in use, its users lose it")
			}
			err = c.UnmountLazy()
			m.lazy[i] = true
		}
		if err != nil && !errors.Is(err, fuse.ErrNotMounted) {
			errs = append(errs, err)
		}
	}
	if force {
		m.end()
	}
	return errors.Join(errs...)
}

// end ends the connections and waits for everything that served them.
func (m *mounts) end() {
	for i, c := range m.conns {
		if m.lazy[i] { // the number of a mount that is gone may be another's by now
			_ = c.Abort() // closing the connection ends it as well
		}
	}
	m.cancel()
	m.wg.Wait()
	for _, c := range m.conns {
		if err := c.Close(); err != nil {
			m.log.WithError(err).Warn("close a mount's connection")
		}
	}
}
