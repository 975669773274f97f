package heartbeat

import (
	"net"
	"net/netip"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/safehold/safehold/plugins/api"
	"github.com/safehold/safehold/plugins/heartbeat/beat"
	"github.com/safehold/safehold/plugins/heartbeat/seal"
)

// maxDatagram is the longest datagram worth reading, bytes.
const maxDatagram = seal.Overhead + api.MaxPayload

// replyGap is the least time between two answers to a link's greetings, so
// that nobody makes this node answer at his own rate.
const replyGap = 10 * time.Millisecond

// reopenEvery is the time between two attempts to open a socket.
const reopenEvery = time.Second

// link is one heartbeat network. Its fields belong to the Heartbeat's mutex,
// but for the socket's reading, which is the reader goroutine's.
type link struct {
	h         *Heartbeat
	cfg       api.Link
	sender    *seal.Sender
	receiver  *seal.Receiver
	nextPulse time.Duration
	lastReply time.Duration
	lastHeard seal.Nonce // the peer's newest proven challenge
	conn      *net.UDPConn
	broken    string // the last error of the socket, "" when it works
	counters  counters
	done      chan struct{} // closed by close
}

// counters of datagrams received, by verdict, and of those sent.
type counters struct {
	Fresh, Unproven, Replayed, Forged, Malformed, Foreign, Sent, SendErrors uint64
}

func (c counters) fields() logrus.Fields {
	return logrus.Fields{"fresh": c.Fresh, "unproven": c.Unproven, "replayed": c.Replayed, "forged": c.Forged,
		"malformed": c.Malformed, "foreign": c.Foreign, "sent": c.Sent, "send_errors": c.SendErrors}
}

func newLink(h *Heartbeat, cfg api.HeartbeatConfig, l api.Link) (*link, error) {
	out := seal.Direction{Module: string(cfg.Module), From: string(cfg.Local), To: string(cfg.Peer), Link: l.Ident}
	in := out
	in.From, in.To = out.To, out.From
	sender, err := seal.NewSender(cfg.Key, out)
	if err != nil {
		return nil, err
	}
	k := &link{h: h, cfg: l, sender: sender, receiver: seal.NewReceiver(cfg.Key, in), done: make(chan struct{})}
	k.open()
	return k, nil
}

// open tries to get a socket; without one the link stays down.
func (k *link) open() {
	conn, err := listen(k.cfg.Local)
	k.note(err)
	if err == nil {
		k.conn = conn
	}
}

// note logs the first of a series of equal errors, and its end.
func (k *link) note(err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	if text == k.broken {
		return
	}
	k.broken = text
	log := k.h.log.WithField("link", k.cfg.Ident)
	if err != nil {
		log.WithError(err).Warn("heartbeat socket does not work, trying again")
	} else {
		log.Info("heartbeat socket works")
	}
}

func (k *link) close() {
	close(k.done)
	if k.conn != nil {
		_ = k.conn.Close()
		k.conn = nil
	}
}

// send sends a pulse that echoes one of the peer's challenges.
func (k *link) send(echo seal.Nonce) {
	if k.conn == nil {
		return
	}
	datagram := k.sender.Seal(seal.Message{
		Challenge: k.receiver.Challenge(), Echo: echo, Life: k.h.life,
		Version: k.h.version, WantsEcho: !k.receiver.Proven(), Payload: k.h.payload,
	})
	_, err := k.conn.WriteToUDPAddrPort(datagram, k.cfg.Peer)
	k.note(err)
	if err != nil {
		k.counters.SendErrors++
		return
	}
	k.counters.Sent++
}

// read receives until the link is closed.
func (k *link) read() {
	buf := make([]byte, maxDatagram+1)
	for {
		conn := k.socket()
		if conn == nil {
			return
		}
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			k.lost(conn, err)
			continue
		}
		k.h.mu.Lock()
		k.received(buf[:n], from)
		k.h.mu.Unlock()
	}
}

// socket gives the socket, opening it again if need be; nil when the link is closed.
func (k *link) socket() *net.UDPConn {
	for {
		k.h.mu.Lock()
		select {
		case <-k.done:
			k.h.mu.Unlock()
			return nil
		default:
		}
		if k.conn == nil {
			k.open()
		}
		conn := k.conn
		k.h.mu.Unlock()
		if conn != nil {
			return conn
		}
		select {
		case <-k.done:
		case <-time.After(reopenEvery):
		}
	}
}

// lost gives up a socket that fails.
func (k *link) lost(conn *net.UDPConn, err error) {
	k.h.mu.Lock()
	defer k.h.mu.Unlock()
	if k.conn == conn { // otherwise close was faster
		k.note(err)
		_ = conn.Close()
		k.conn = nil
	}
}

// received judges one datagram.
func (k *link) received(datagram []byte, from netip.AddrPort) {
	select {
	case <-k.done:
		return // replaced while the datagram waited for the mutex
	default:
	}
	if from.Addr().Unmap() != k.cfg.Peer.Addr().Unmap() {
		k.counters.Foreign++
		return
	}
	t := now()
	k.h.judgeSilence(t)
	proven := k.receiver.Proven()
	m, verdict := k.receiver.Open(datagram)
	switch verdict {
	case seal.Malformed:
		k.counters.Malformed++
	case seal.Forged:
		k.counters.Forged++
	case seal.Replayed:
		k.counters.Replayed++
	case seal.Unproven:
		k.counters.Unproven++
		k.reply(t, m.Challenge)
	case seal.Fresh:
		k.fresh(t, m, proven)
	}
}

func (k *link) fresh(t time.Duration, m seal.Message, wasProven bool) {
	k.counters.Fresh++
	if !k.h.words.Known(beat.ID(m.Life)) {
		return // an earlier life of the peer, overtaken on another link
	}
	k.lastHeard = m.Challenge
	k.h.heard(k, t, beat.ID(m.Life), m.Version, m.Payload)
	if m.WantsEcho {
		k.reply(t, m.Challenge)
	}
	if !wasProven {
		k.h.poke() // the deadlines moved
	}
}

func (k *link) reply(t time.Duration, echo seal.Nonce) {
	if t-k.lastReply < replyGap {
		return
	}
	k.lastReply = t
	k.send(echo)
}
