package heartbeat

import (
	"net/netip"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netns"

	"github.com/safehold/safehold/plugins/api"
)

// sandbox gives the test's thread a network namespace of its own. Sockets
// opened on it stay there, also when other threads use them.
func sandbox(t *testing.T) {
	t.Helper()
	runtime.LockOSThread()
	before, err := netns.Get()
	if err != nil {
		t.Fatal(err)
	}
	inside, err := netns.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := netns.Set(before); err != nil {
			panic(err) // this thread must not serve other tests
		}
		_, _ = before.Close(), inside.Close()
		runtime.UnlockOSThread()
	})
}

func ip(t *testing.T, args string) {
	t.Helper()
	if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
		t.Fatalf("ip %s: %v: %s", args, err, out)
	}
}

// The address comes later, the interface goes down, the address goes away and
// comes back: none of it ends the heartbeat.
func TestAddressComesAndGoes(t *testing.T) {
	sandbox(t)
	ip(t, "link set lo up")
	a, b := netip.MustParseAddrPort("10.9.9.1:9001"), netip.MustParseAddrPort("10.9.9.2:9001")
	link := func(local, peer netip.AddrPort) []api.Link {
		return []api.Link{{Ident: "l", Local: local, Peer: peer, Pulse: 50 * time.Millisecond, Timeout: 2 * time.Second}}
	}
	ha, hb := fresh(t), fresh(t)
	atB := start(t, hb, api.HeartbeatConfig{Module: "m", Local: "b", Peer: "a", Key: testKey, Links: link(b, a)}, "")
	start(t, ha, api.HeartbeatConfig{Module: "m", Local: "a", Peer: "b", Key: testKey, Links: link(a, b)}, "hello")
	expect(t, atB, api.LinkDown, "")

	ip(t, "addr add 10.9.9.1/24 dev lo")
	ip(t, "addr add 10.9.9.2/24 dev lo")
	expect(t, atB, api.PeerPayload, "hello")

	ip(t, "addr del 10.9.9.1/24 dev lo")
	expect(t, atB, api.LinkDown, "")
	ip(t, "addr add 10.9.9.1/24 dev lo")
	ip(t, "addr replace 10.9.9.2/24 dev lo")
	expect(t, atB, api.PeerPayload, "hello")

	ip(t, "link set lo down")
	expect(t, atB, api.LinkDown, "")
	ip(t, "link set lo up")
	expect(t, atB, api.LinkUp, "")
}

func TestIPv6(t *testing.T) {
	a, b := netip.MustParseAddrPort("[::1]:0"), netip.MustParseAddrPort("[::1]:0")
	sandbox(t)
	ip(t, "link set lo up")
	a, b = netip.AddrPortFrom(a.Addr(), 9001), netip.AddrPortFrom(b.Addr(), 9002)
	link := func(local, peer netip.AddrPort) []api.Link {
		return []api.Link{{Ident: "l", Local: local, Peer: peer, Pulse: 50 * time.Millisecond, Timeout: long}}
	}
	ha, hb := fresh(t), fresh(t)
	atB := start(t, hb, api.HeartbeatConfig{Module: "m", Local: "b", Peer: "a", Key: testKey, Links: link(b, a)}, "")
	start(t, ha, api.HeartbeatConfig{Module: "m", Local: "a", Peer: "b", Key: testKey, Links: link(a, b)}, "six")
	expect(t, atB, api.PeerPayload, "six")
}
