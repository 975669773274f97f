// Package heartbeat is the built-in heartbeat plugin: authenticated pulses over
// UDP on every <heartbeat> network of a mirror module (userconfig-xml.md
// section 6). What pulses mean is decided by package beat, how they are sealed
// by package seal; this package owns sockets, timer and watchers.
//
// Goroutines: one reader per link and one loop for the timer, started by
// Configure and ended by Close. They share the Heartbeat's mutex.
package heartbeat

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/sirupsen/logrus"
	"golang.org/x/sys/unix"

	"github.com/safehold/safehold/plugins/api"
	"github.com/safehold/safehold/plugins/heartbeat/beat"
	"github.com/safehold/safehold/plugins/heartbeat/seal"
)

// version is what Info tells.
const version = "1"

// Heartbeat implements api.Heartbeat.
type Heartbeat struct {
	log  logrus.FieldLogger
	life seal.Nonce
	wake chan struct{} // tells the loop that a moment came nearer
	done chan struct{} // closed by Close
	all  sync.WaitGroup

	mu         sync.Mutex // guards everything below
	closed     bool
	configured bool
	looping    bool
	cfg        api.HeartbeatConfig
	links      []*link
	liveness   beat.Liveness
	words      beat.Words
	payload    []byte
	version    uint64 // of payload; 0 = nothing published
	watcher    *watcher
}

// New makes a heartbeat that waits for Configure.
func New(log logrus.FieldLogger) *Heartbeat {
	return &Heartbeat{
		log: log, life: seal.NewNonce(),
		wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
}

// Serve is the main of the plugin process.
func Serve() {
	log := api.NewLogger("heartbeat")
	raisePriority(log)
	api.ServeHeartbeat(New(log))
}

// Info says who this is.
func (h *Heartbeat) Info(context.Context) (api.Info, error) {
	return api.Info{Kind: api.KindHeartbeat, Name: "heartbeat", Version: version}, nil
}

// Configure replaces the links. A link that stays as it was goes on undisturbed.
func (h *Heartbeat) Configure(_ context.Context, cfg api.HeartbeatConfig) error {
	if err := validate(cfg); err != nil {
		return fmt.Errorf("configure the heartbeat of module %s: %w", cfg.Module, err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return fmt.Errorf("configure the heartbeat: it was closed: %w", api.ErrRefused)
	}
	cfg.Key, cfg.Links = slices.Clone(cfg.Key), slices.Clone(cfg.Links)
	if err := h.replaceLinks(cfg); err != nil {
		return err
	}
	h.cfg, h.configured = cfg, true
	h.pulse(now(), true)
	if !h.looping {
		h.looping = true
		h.all.Go(h.loop)
	}
	h.poke()
	return nil
}

// replaceLinks keeps what stays, closes what goes and opens what is new.
func (h *Heartbeat) replaceLinks(cfg api.HeartbeatConfig) error {
	var next, fresh []*link
	for _, l := range cfg.Links {
		k := h.kept(cfg, l)
		if k == nil {
			var err error
			if k, err = newLink(h, cfg, l); err != nil {
				return err
			}
			fresh = append(fresh, k)
		}
		next = append(next, k)
	}
	for _, old := range h.links {
		if !slices.Contains(next, old) {
			old.close()
		}
	}
	for i, k := range next {
		k.cfg = cfg.Links[i]
	}
	h.links = next
	watched := make([]beat.Link, 0, len(next))
	for _, k := range next {
		watched = append(watched, beat.Link{Ident: k.cfg.Ident, Timeout: k.cfg.Timeout})
	}
	h.liveness.Set(watched, now())
	for _, k := range fresh {
		h.liveness.Reset(k.cfg.Ident, now())
		h.all.Go(k.read)
	}
	return nil
}

// kept finds the running link that l describes, nil when it must be made anew.
func (h *Heartbeat) kept(cfg api.HeartbeatConfig, l api.Link) *link {
	if cfg.Module != h.cfg.Module || cfg.Local != h.cfg.Local || cfg.Peer != h.cfg.Peer || !slices.Equal(cfg.Key, h.cfg.Key) {
		return nil
	}
	i := slices.IndexFunc(h.links, func(k *link) bool {
		return k.cfg.Ident == l.Ident && k.cfg.Local == l.Local && k.cfg.Peer == l.Peer
	})
	if i < 0 {
		return nil
	}
	return h.links[i]
}

// Publish sets what pulses carry and sends it at once.
func (h *Heartbeat) Publish(_ context.Context, payload []byte) error {
	if len(payload) > api.MaxPayload {
		return fmt.Errorf("publish %d bytes, at most %d: %w", len(payload), api.MaxPayload, api.ErrInvalid)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.configured {
		return fmt.Errorf("publish: %w", api.ErrNotConfigured)
	}
	h.payload, h.version = slices.Clone(payload), h.version+1
	h.pulse(now(), true)
	h.poke()
	return nil
}

// Watch streams events; a new watcher replaces the old.
func (h *Heartbeat) Watch(ctx context.Context) (<-chan api.HeartbeatEvent, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.configured || h.closed {
		return nil, fmt.Errorf("watch: %w", api.ErrNotConfigured)
	}
	if h.watcher != nil {
		h.watcher.stop()
	}
	h.watcher = newWatcher()
	h.watcher.add(h.snapshot()...)
	w := h.watcher
	h.all.Go(func() { w.run(ctx) })
	return w.out, nil
}

// snapshot is the present as events.
func (h *Heartbeat) snapshot() []api.HeartbeatEvent {
	events := changeEvents(h.liveness.Now())
	if p, ok := h.words.Payload(); ok && h.liveness.AnyUp() {
		events = append(events, api.HeartbeatEvent{Kind: api.PeerPayload, Payload: p})
	}
	return events
}

// Close ends sockets and goroutines.
func (h *Heartbeat) Close() error {
	h.mu.Lock()
	if !h.closed {
		h.closed = true
		close(h.done)
		for _, k := range h.links {
			k.close()
		}
		if h.watcher != nil {
			h.watcher.stop()
		}
	}
	h.mu.Unlock()
	h.all.Wait()
	return nil
}

// now reads the clock that counts suspension too (lessons.md E14).
func now() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		panic("read CLOCK_BOOTTIME: " + err.Error()) // Linux has it since 2.6.39
	}
	return time.Duration(ts.Nano())
}
