package link

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

func TestThrottle(t *testing.T) {
	th := newThrottle()
	now := time.Unix(1e9, 0)
	evil, good := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2")
	for i := range freeFailures {
		if w := th.begin(evil, now); w != 0 {
			t.Fatalf("attempt %d waits %v", i, w)
		}
	}
	if w := th.begin(evil, now); w != firstWait {
		t.Errorf("wait %v after %d failures", w, freeFailures)
	}
	if w := th.begin(good, now); w != 0 {
		t.Errorf("another address waits %v", w)
	}
	th.succeed(good)
	now = now.Add(firstWait)
	if w := th.begin(evil, now); w != 0 {
		t.Errorf("waits %v after its time", w)
	}
	if w := th.begin(evil, now); w != 2*firstWait {
		t.Errorf("the wait did not double: %v", w)
	}
	now = now.Add(2 * firstWait)
	th.begin(evil, now)
	th.succeed(evil)
	if w := th.begin(evil, now); w != 0 {
		t.Errorf("waits %v after a success", w)
	}
}

func TestThrottleGrowsToItsEnd(t *testing.T) {
	th := newThrottle()
	now := time.Unix(1e9, 0)
	addr := netip.MustParseAddr("2001:db8::1")
	for i := range 100 {
		addr = addr.Next() // one origin: the same /64
		if w := th.begin(addr, now); w > longestWait {
			t.Fatalf("attempt %d waits %v", i, w)
		} else if w > 0 {
			now = now.Add(w)
		}
	}
	if len(th.addrs) != 1 {
		t.Errorf("%d origins", len(th.addrs))
	}
	if w := th.begin(addr, now.Add(2*forgetAfter)); w != 0 {
		t.Errorf("not forgotten: %v", w)
	}
}

func TestThrottleOfManyAddresses(t *testing.T) {
	th := newThrottle()
	now := time.Unix(1e9, 0)
	allowed := 0
	for i := range 3 * maxTracked {
		if th.begin(netip.MustParseAddr(fmt.Sprintf("10.%d.%d.1", i>>8, i&255)), now) == 0 {
			allowed++
		}
	}
	if allowed > freeInAll+1 || len(th.addrs) > maxTracked {
		t.Errorf("%d attempts allowed, %d addresses kept", allowed, len(th.addrs))
	}
}
