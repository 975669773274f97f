package heartbeat

import (
	"time"

	"github.com/sirupsen/logrus"

	"github.com/safehold/safehold/plugins/api"
	"github.com/safehold/safehold/plugins/heartbeat/beat"
)

// loop is the one timer: it sleeps until the next pulse or deadline.
func (h *Heartbeat) loop() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-h.done:
			return
		case <-h.wake:
		case <-timer.C:
		}
		h.mu.Lock()
		t := now()
		h.judgeSilence(t)
		h.pulse(t, false)
		next := h.nextMoment(t)
		h.mu.Unlock()
		timer.Reset(next)
	}
}

// idle is how long the loop sleeps when nothing is to come.
const idle = time.Hour

func (h *Heartbeat) nextMoment(t time.Duration) time.Duration {
	next := idle
	if at, ok := h.liveness.Next(); ok {
		next = at - t
	}
	for _, k := range h.links {
		next = min(next, k.nextPulse-t)
	}
	return max(next, 0)
}

func (h *Heartbeat) poke() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// pulse sends on the links whose time has come, or on all.
func (h *Heartbeat) pulse(t time.Duration, all bool) {
	for _, k := range h.links {
		if all || k.nextPulse <= t {
			k.nextPulse = t + k.cfg.Pulse
			k.send(k.lastHeard)
		}
	}
}

// judgeSilence reports links that fell silent. Such a link must prove itself anew.
func (h *Heartbeat) judgeSilence(t time.Duration) {
	downs := h.liveness.Tick(t)
	if len(downs) == 0 {
		return
	}
	for _, c := range downs {
		if k := h.link(c.Ident); k != nil {
			k.receiver.Forget()
			h.log.WithFields(k.counters.fields()).WithField("link", c.Ident).Warn("heartbeat lost")
		}
	}
	if !h.liveness.AnyUp() {
		h.words.Silence()
	}
	h.tell(changeEvents(downs)...)
}

// heard notes a fresh message of a link.
func (h *Heartbeat) heard(k *link, t time.Duration, life beat.ID, version uint64, payload []byte) {
	ups := h.liveness.Heard(k.cfg.Ident, t)
	for _, c := range ups {
		h.log.WithFields(logrus.Fields{"link": c.Ident}).Info("heartbeat heard")
	}
	h.tell(changeEvents(ups)...)
	if h.words.Offer(life, version, payload) {
		p, _ := h.words.Payload()
		h.tell(api.HeartbeatEvent{Kind: api.PeerPayload, Payload: p})
	}
}

func (h *Heartbeat) link(ident string) *link {
	for _, k := range h.links {
		if k.cfg.Ident == ident {
			return k
		}
	}
	return nil
}

// tell passes events on. A watcher that is far behind gets the present instead.
func (h *Heartbeat) tell(events ...api.HeartbeatEvent) {
	if h.watcher == nil || len(events) == 0 {
		return
	}
	if !h.watcher.add(events...) {
		h.watcher.replace(h.snapshot())
	}
}

func changeEvents(changes []beat.Change) []api.HeartbeatEvent {
	events := make([]api.HeartbeatEvent, 0, len(changes)+1)
	for _, c := range changes {
		kind := api.LinkDown
		if c.Up {
			kind = api.LinkUp
		}
		events = append(events, api.HeartbeatEvent{Kind: kind, Link: c.Ident})
	}
	return events
}
