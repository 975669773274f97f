package membership

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"slices"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/safehold/safehold/runtime/ha"
)

// Service keeps the view of the cluster through changes of its configuration.
type Service struct {
	log  logrus.FieldLogger
	boot uint64

	// mu guards everything below. It is never held while memberlist is called.
	mu       sync.Mutex
	settings *Settings
	round    uint64 // counts the changes of sockets; what belongs to an older one is ignored
	modules  []ModuleInfo
	seq      uint64
	view     view
	watchers map[chan struct{}]bool
	reload   chan struct{} // closed and replaced when the sockets must change
	push     chan struct{} // closed and replaced when our report changed
}

// New makes a service that knows of no cluster yet.
func New(log logrus.FieldLogger) *Service {
	var seed [8]byte
	_, _ = rand.Read(seed[:]) // never fails since Go 1.24
	return &Service{
		log:      log,
		boot:     binary.NativeEndian.Uint64(seed[:]),
		view:     newView(),
		watchers: map[chan struct{}]bool{},
		reload:   make(chan struct{}),
		push:     make(chan struct{}),
	}
}

// Serve runs the protocol on every lan of the settings in force, and starts
// over when Apply changes them. It returns nil when ctx is done and the
// sockets are closed.
func (s *Service) Serve(ctx context.Context) error {
	for ctx.Err() == nil {
		s.mu.Lock()
		settings, round, reload := s.settings, s.round, s.reload
		s.mu.Unlock()
		s.serveRound(ctx, settings, round, reload)
	}
	return nil
}

// serveRound serves one configuration until it is replaced or ctx is done.
func (s *Service) serveRound(ctx context.Context, settings *Settings, round uint64, reload <-chan struct{}) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var lans sync.WaitGroup
	defer lans.Wait()
	defer cancel() // before waiting
	if settings != nil {
		if settings.Key == nil {
			s.log.Warn("cluster traffic is not encrypted: there is no cluster key")
		}
		for _, l := range settings.Config.Lans {
			if me, ok := l.Node(settings.Local); ok {
				lans.Go(func() { s.serveLan(ctx, settings, round, l, me) })
			}
		}
	}
	select {
	case <-ctx.Done():
	case <-reload:
	}
}

// Apply puts a configuration in force; nil means that there is none. It keeps
// the sockets when only the lock or the date changed.
func (s *Service) Apply(settings *Settings) {
	s.mu.Lock()
	defer s.mu.Unlock()
	keep := s.settings.sameSockets(settings)
	s.settings = settings
	if !keep {
		s.round++
		s.view = newView()
		close(s.reload)
		s.reload = make(chan struct{})
	}
	s.changedLocked()
}

// UpdateModules tells the other nodes about this node's modules.
func (s *Service) UpdateModules(modules []ModuleInfo) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.modules = slices.Clone(modules)
	s.changedLocked()
}

// changedLocked spreads our report again and wakes the watchers.
func (s *Service) changedLocked() {
	s.seq++
	close(s.push)
	s.push = make(chan struct{})
	s.wakeLocked()
}

// Watch gives a channel that receives after every change of Nodes or
// Reachable; changes that come faster than they are read are one. Call stop
// when done with it.
func (s *Service) Watch() (changes <-chan struct{}, stop func()) {
	ch := make(chan struct{}, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watchers[ch] = true
	return ch, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.watchers, ch)
	}
}

func (s *Service) wakeLocked() {
	for ch := range s.watchers {
		select {
		case ch <- struct{}{}:
		default: // a wake-up is waiting already
		}
	}
}

// Reachable tells whether node is there with our configuration. The local node
// always is, once a configuration is applied.
func (s *Service) Reachable(node ha.NodeName) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.settings != nil && (node == s.settings.Local || s.view.reachable(node, s.settings.Signature))
}

// Nodes lists the local node and every member heard now, by name.
func (s *Service) Nodes() []Info {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.settings == nil {
		return nil
	}
	own := s.reportLocked()
	list := []Info{{Node: own.Node, Local: true, Signature: own.Signature, Locked: own.Locked, Date: own.Date,
		Modules: own.Modules, Reachable: true}}
	for _, node := range s.view.nodes() {
		if node != own.Node {
			list = append(list, s.view.info(node, own.Signature))
		}
	}
	slices.SortFunc(list, func(a, b Info) int { return compareNames(a.Node, b.Node) })
	return list
}

// reportLocked is what we tell about ourselves; settings must not be nil.
func (s *Service) reportLocked() report {
	return report{Node: s.settings.Local, Boot: s.boot, Seq: s.seq, Signature: s.settings.Signature,
		Locked: s.settings.Locked, Date: s.settings.Date.UTC().Truncate(time.Second), Modules: slices.Clone(s.modules)}
}

// current tells whether round is still the one in force, and gives our report
// and the channel that closes when it changes.
func (s *Service) current(round uint64) (r report, push <-chan struct{}, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if round != s.round || s.settings == nil {
		return report{}, nil, false
	}
	return s.reportLocked(), s.push, true
}
