package supervisor

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/safehold/safehold/plugins/api"
	"github.com/safehold/safehold/runtime/automaton"
	"github.com/safehold/safehold/runtime/cluster/identity"
	"github.com/safehold/safehold/runtime/pluginhost"
)

// callLimit bounds a short call to a plugin.
const callLimit = 10 * time.Second

// heartbeat is the heartbeat plugin as the loop sees it.
type heartbeat struct {
	s     *Supervisor
	sup   *pluginhost.Supervised[api.Heartbeat]
	group *errgroup.Group // of the plugins
	wake  chan struct{}

	mu      sync.Mutex // guards everything below
	cfg     api.HeartbeatConfig
	payload []byte
	dirty   bool
}

// publish has the payload sent as soon as the plugin takes it; the newest wins.
func (h *heartbeat) publish(payload []byte) {
	h.mu.Lock()
	h.payload, h.dirty = payload, true
	h.mu.Unlock()
	h.again()
}

func (h *heartbeat) again() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// publisher hands payloads to the plugin until ctx ends.
func (h *heartbeat) publisher(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-h.wake:
		}
		client, up := h.sup.Client()
		h.mu.Lock()
		payload, dirty := h.payload, h.dirty
		h.dirty = h.dirty && !up
		h.mu.Unlock()
		if !up || !dirty {
			continue
		}
		call, cancel := context.WithTimeout(ctx, callLimit)
		err := client.Publish(call, payload)
		cancel()
		if err != nil && ctx.Err() == nil {
			h.s.log.WithError(err).Warn("the heartbeat does not take the state")
			h.restate()
		}
	}
}

// restate makes sure that the newest payload is sent once the plugin is back.
func (h *heartbeat) restate() {
	h.mu.Lock()
	h.dirty = h.payload != nil
	h.mu.Unlock()
}

// up configures a fresh plugin and follows its events.
func (h *heartbeat) up(ctx context.Context, client api.Heartbeat) {
	if err := h.configure(ctx, client); err != nil {
		h.s.post(func() { h.s.fault("heartbeat is not ready", err) })
		h.sup.Restart(err.Error())
		return
	}
	events, err := client.Watch(ctx)
	if err != nil {
		h.sup.Restart(err.Error())
		return
	}
	h.restate()
	h.again()
	h.group.Go(func() error {
		for e := range events {
			h.s.post(func() {
				if h.s.plugins != nil && h.s.plugins.heartbeat == h {
					h.s.heartbeatEvent(e)
				}
			})
		}
		return nil
	})
}

func (h *heartbeat) configure(ctx context.Context, client api.Heartbeat) error {
	h.mu.Lock()
	cfg := h.cfg
	h.mu.Unlock()
	call, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	return client.Configure(call, cfg)
}

// reconfigure gives the running plugin new links.
func (h *heartbeat) reconfigure(ctx context.Context, cfg api.HeartbeatConfig) error {
	h.mu.Lock()
	h.cfg = cfg
	h.mu.Unlock()
	client, up := h.sup.Client()
	if !up {
		return nil // it is configured when it is back
	}
	return h.configure(ctx, client)
}

func (s *Supervisor) heartbeatEvent(e api.HeartbeatEvent) {
	switch e.Kind {
	case api.LinkUp, api.LinkDown:
		s.linkChanged(e.Link, e.Kind == api.LinkUp)
	case api.PeerPayload:
		s.heard(e.Payload)
	}
}

func (s *Supervisor) linkChanged(ident string, up bool) {
	if known, ok := s.links[ident]; ok && known == up {
		return // a restarted plugin tells again what is known
	}
	s.links[ident] = up
	if s.allLinksDown() {
		s.peer = nil
		s.resources.ForgetRemote(time.Now())
	}
	s.step(automaton.Link{Ident: ident, Up: up})
}

func (s *Supervisor) allLinksDown() bool {
	for _, l := range s.active.Links {
		if up, known := s.links[l.Ident]; !known || up {
			return false
		}
	}
	return true
}

// heartbeatConfig takes the key from the cluster's identity, and from the
// module's own key when it has one.
func (s *Supervisor) heartbeatConfig() (api.HeartbeatConfig, error) {
	cfg := api.HeartbeatConfig{Module: s.cfg.Module, Local: s.active.Local, Peer: s.active.Peer}
	for _, l := range s.active.Links {
		cfg.Links = append(cfg.Links, api.Link{Ident: l.Ident, Local: l.Local, Peer: l.Peer, Pulse: l.Pulse, Timeout: l.Timeout})
	}
	id, err := identity.Load(s.cfg.Paths.Cluster())
	if err != nil {
		return cfg, fmt.Errorf("heartbeat key: %w", err)
	}
	key, err := id.Subkey("heartbeat/" + string(s.cfg.Module))
	if err != nil {
		return cfg, fmt.Errorf("heartbeat key: %w", err)
	}
	own, ok, err := identity.LoadModuleKey(s.cfg.Paths.UserConf(s.cfg.Module))
	if err != nil {
		return cfg, fmt.Errorf("heartbeat key: %w", err)
	}
	if ok {
		mixed, err := own.Subkey("heartbeat/" + string(key[:]))
		if err != nil {
			return cfg, fmt.Errorf("heartbeat key: %w", err)
		}
		key = mixed
	}
	cfg.Key = key[:]
	return cfg, nil
}
