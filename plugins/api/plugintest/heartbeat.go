package plugintest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/safehold/safehold/plugins/api"
)

// Heartbeat runs the suite; fresh gives a new, unconfigured plugin each time.
func Heartbeat(t *testing.T, fresh func(t *testing.T) api.Heartbeat) {
	t.Run("says who it is", func(t *testing.T) {
		i, err := fresh(t).Info(t.Context())
		if err != nil || i.Kind != api.KindHeartbeat || i.Name == "" {
			t.Errorf("%+v, %v", i, err)
		}
	})
	t.Run("refuses to work before Configure", func(t *testing.T) {
		if err := fresh(t).Publish(t.Context(), nil); !errors.Is(err, api.ErrNotConfigured) {
			t.Errorf("publish: %v", err)
		}
		if _, err := fresh(t).Watch(t.Context()); !errors.Is(err, api.ErrNotConfigured) {
			t.Errorf("watch: %v", err)
		}
	})
	t.Run("refuses bad configurations", func(t *testing.T) { badConfigs(t, fresh) })
	t.Run("refuses a payload that fits no datagram", func(t *testing.T) {
		h := fresh(t)
		configure(t, h, heartbeatPair(t)[0])
		if err := h.Publish(t.Context(), make([]byte, api.MaxPayload+1)); !errors.Is(err, api.ErrInvalid) {
			t.Errorf("%v", err)
		}
	})
	t.Run("hears its peer and its words", func(t *testing.T) { hears(t, fresh) })
	t.Run("tells the present to a new watcher", func(t *testing.T) { watchers(t, fresh) })
	t.Run("reports a silent link once", func(t *testing.T) { silence(t, fresh) })
	t.Run("keeps links that stay at a second Configure", func(t *testing.T) { reconfigure(t, fresh) })
}

// heartbeatPair makes the configurations of two nodes on loopback, with free ports.
func heartbeatPair(t *testing.T) [2]api.HeartbeatConfig {
	t.Helper()
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	a, b := freeUDP(t, "127.0.0.1"), freeUDP(t, "127.0.0.2")
	link := func(local, peer netip.AddrPort) []api.Link {
		return []api.Link{{Ident: "default", Local: local, Peer: peer, Pulse: 50 * time.Millisecond, Timeout: 20 * time.Second}}
	}
	return [2]api.HeartbeatConfig{
		{Module: "m", Local: "a", Peer: "b", Key: key, Links: link(a, b)},
		{Module: "m", Local: "b", Peer: "a", Key: key, Links: link(b, a)},
	}
}

func freeUDP(t *testing.T, addr string) netip.AddrPort {
	t.Helper()
	c, err := net.ListenPacket("udp4", addr+":0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).AddrPort()
}

func configure(t *testing.T, h api.Heartbeat, cfg api.HeartbeatConfig) {
	t.Helper()
	if err := h.Configure(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
}

func badConfigs(t *testing.T, fresh func(t *testing.T) api.Heartbeat) {
	good := heartbeatPair(t)[0]
	for name, spoil := range map[string]func(*api.HeartbeatConfig){
		"short key":            func(c *api.HeartbeatConfig) { c.Key = c.Key[:31] },
		"no key":               func(c *api.HeartbeatConfig) { c.Key = nil },
		"no address":           func(c *api.HeartbeatConfig) { c.Links[0].Peer = netip.AddrPort{} },
		"no pulse":             func(c *api.HeartbeatConfig) { c.Links[0].Pulse = 0 },
		"timeout before pulse": func(c *api.HeartbeatConfig) { c.Links[0].Timeout = c.Links[0].Pulse },
		"ident twice":          func(c *api.HeartbeatConfig) { c.Links = append(c.Links, c.Links[0]) },
	} {
		cfg := good
		cfg.Links = append([]api.Link(nil), good.Links...)
		spoil(&cfg)
		err := fresh(t).Configure(t.Context(), cfg)
		if !errors.Is(err, api.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && strings.Contains(err.Error(), fmt.Sprintf("%x", good.Key[:4])) {
			t.Errorf("%s: the error shows the key: %v", name, err)
		}
	}
}

func isLink(kind api.HeartbeatEventKind, ident string) func(api.HeartbeatEvent) bool {
	return func(e api.HeartbeatEvent) bool { return e.Kind == kind && e.Link == ident }
}

func isPayload(p []byte) func(api.HeartbeatEvent) bool {
	return func(e api.HeartbeatEvent) bool { return e.Kind == api.PeerPayload && bytes.Equal(e.Payload, p) }
}

func watch(ctx context.Context, t *testing.T, h api.Heartbeat) <-chan api.HeartbeatEvent {
	t.Helper()
	events, err := h.Watch(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return events
}

func hears(t *testing.T, fresh func(t *testing.T) api.Heartbeat) {
	cfg := heartbeatPair(t)
	a, b := fresh(t), fresh(t)
	configure(t, a, cfg[0])
	configure(t, b, cfg[1])
	events := watch(t.Context(), t, a)
	until(t, "link up", events, isLink(api.LinkUp, "default"))
	long := bytes.Repeat([]byte("x"), api.MaxPayload)
	for _, word := range [][]byte{[]byte("one"), long, {0}} {
		if err := b.Publish(t.Context(), word); err != nil {
			t.Fatal(err)
		}
		until(t, "the peer's words", events, isPayload(word))
	}
}

func watchers(t *testing.T, fresh func(t *testing.T) api.Heartbeat) {
	cfg := heartbeatPair(t)
	a, b := fresh(t), fresh(t)
	configure(t, a, cfg[0])
	configure(t, b, cfg[1])
	if err := b.Publish(t.Context(), []byte("hello")); err != nil {
		t.Fatal(err)
	}
	first := watch(t.Context(), t, a)
	until(t, "link up", first, isLink(api.LinkUp, "default"))
	until(t, "the word", first, isPayload([]byte("hello")))
	ctx, cancel := context.WithCancel(t.Context())
	second := watch(ctx, t, a)
	ends(t, "replaced watcher", first)
	until(t, "link up, again", second, isLink(api.LinkUp, "default"))
	until(t, "the word, again", second, isPayload([]byte("hello")))
	cancel()
	ends(t, "watcher with an ended context", second)
}

func silence(t *testing.T, fresh func(t *testing.T) api.Heartbeat) {
	cfg := heartbeatPair(t)[0]
	cfg.Links[0].Timeout = 200 * time.Millisecond
	h := fresh(t)
	configure(t, h, cfg)
	events := watch(t.Context(), t, h)
	first := until(t, "any event", events, func(api.HeartbeatEvent) bool { return true })
	if first.Kind != api.LinkDown || first.Link != "default" {
		t.Errorf("first event %+v", first)
	}
	if err := h.Publish(t.Context(), []byte("x")); err != nil {
		t.Errorf("publish on a dead link: %v", err)
	}
}

func reconfigure(t *testing.T, fresh func(t *testing.T) api.Heartbeat) {
	cfg := heartbeatPair(t)
	a, b := fresh(t), fresh(t)
	configure(t, a, cfg[0])
	configure(t, b, cfg[1])
	events := watch(t.Context(), t, a)
	until(t, "link up", events, isLink(api.LinkUp, "default"))
	more := cfg[0]
	more.Links = append(more.Links, api.Link{
		Ident: "second", Local: freeUDP(t, "127.0.0.1"), Peer: freeUDP(t, "127.0.0.2"),
		Pulse: 50 * time.Millisecond, Timeout: 300 * time.Millisecond,
	})
	configure(t, a, more)
	until(t, "the new link down", events, func(e api.HeartbeatEvent) bool {
		if isLink(api.LinkDown, "default")(e) {
			t.Error("the link that stayed went down")
		}
		return isLink(api.LinkDown, "second")(e)
	})
	if err := b.Publish(t.Context(), []byte("still here")); err != nil {
		t.Fatal(err)
	}
	until(t, "words on the link that stayed", events, isPayload([]byte("still here")))
}
