package heartbeat

import (
	"bytes"
	"context"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/safehold/safehold/plugins/api"
)

const patience = 60 * time.Second

var testKey = bytes.Repeat([]byte{9}, 32)

// relay stands between node a (127.0.0.1) and node b (127.0.0.2) like a switch
// that can cut, hold and record.
type relay struct {
	toA, toB *net.UDPConn // toA has b's address, toB has a's
	a, b     netip.AddrPort

	mu       sync.Mutex // guards everything below
	cut      bool
	hold     bool
	held     []func()
	recorded [][]byte // what a sent
}

func udp(t *testing.T, addr string) *net.UDPConn {
	t.Helper()
	c, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.MustParseAddrPort(addr+":0")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func port(c *net.UDPConn) netip.AddrPort { return c.LocalAddr().(*net.UDPAddr).AddrPort() }

func newRelay(t *testing.T) *relay {
	t.Helper()
	r := &relay{toA: udp(t, "127.0.0.2"), toB: udp(t, "127.0.0.1")}
	a, b := udp(t, "127.0.0.1"), udp(t, "127.0.0.2")
	r.a, r.b = port(a), port(b)
	_, _ = a.Close(), b.Close()
	go r.pump(r.toA, func(d []byte) { _, _ = r.toB.WriteToUDPAddrPort(d, r.b) }, true)
	go r.pump(r.toB, func(d []byte) { _, _ = r.toA.WriteToUDPAddrPort(d, r.a) }, false)
	return r
}

func (r *relay) pump(from *net.UDPConn, send func([]byte), record bool) {
	buf := make([]byte, 65536)
	for {
		n, _, err := from.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		d := slices.Clone(buf[:n])
		r.mu.Lock()
		if record {
			r.recorded = append(r.recorded, d)
		}
		switch {
		case r.cut:
		case r.hold:
			r.held = append(r.held, func() { send(d) })
		default:
			send(d)
		}
		r.mu.Unlock()
	}
}

func (r *relay) set(cut, hold bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cut, r.hold = cut, hold
}

// release delivers what was held, newest first.
func (r *relay) release() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range slices.Backward(r.held) {
		f()
	}
	n := len(r.held)
	r.held = nil
	return n
}

func (r *relay) recording() [][]byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.recorded)
}

// throwAtB sends b a datagram from a's address.
func (r *relay) throwAtB(d []byte) { _, _ = r.toB.WriteToUDPAddrPort(d, r.b) }

func (r *relay) configs(timeout time.Duration) (a, b api.HeartbeatConfig) {
	link := func(local, peer netip.AddrPort) []api.Link {
		return []api.Link{{Ident: "l", Local: local, Peer: peer, Pulse: 30 * time.Millisecond, Timeout: timeout}}
	}
	a = api.HeartbeatConfig{Module: "m", Local: "a", Peer: "b", Key: testKey, Links: link(r.a, port(r.toA))}
	b = api.HeartbeatConfig{Module: "m", Local: "b", Peer: "a", Key: testKey, Links: link(r.b, port(r.toB))}
	return a, b
}

func start(t *testing.T, h api.Heartbeat, cfg api.HeartbeatConfig, word string) <-chan api.HeartbeatEvent {
	t.Helper()
	if err := h.Configure(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	if word != "" {
		say(t, h, word)
	}
	events, err := h.Watch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return events
}

func say(t *testing.T, h api.Heartbeat, word string) {
	t.Helper()
	if err := h.Publish(context.Background(), []byte(word)); err != nil {
		t.Fatal(err)
	}
}

// expect reads events until one is of kind with this payload, and fails on any in never.
func expect(t *testing.T, events <-chan api.HeartbeatEvent, kind api.HeartbeatEventKind, payload string, never ...api.HeartbeatEventKind) []api.HeartbeatEvent {
	t.Helper()
	var seen []api.HeartbeatEvent
	limit := time.After(patience)
	for {
		select {
		case e, ok := <-events:
			if !ok {
				t.Fatal("the stream ended")
			}
			seen = append(seen, e)
			if slices.Contains(never, e.Kind) {
				t.Errorf("event %+v", e)
			}
			if e.Kind == kind && string(e.Payload) == payload {
				return seen
			}
		case <-limit:
			t.Fatalf("waited in vain for kind %d %q; saw %+v", kind, payload, seen)
		}
	}
}

func until(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !cond(); {
		if time.Now().After(end) {
			t.Fatalf("waited %v in vain: %s", patience, what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func count(h *Heartbeat) counters {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.links[0].counters
}
