package seal

import (
	"crypto/cipher"
	"crypto/subtle"
)

// Verdict is what a datagram is worth.
type Verdict uint8

// The verdicts.
const (
	// Malformed: too short, or not of this protocol.
	Malformed Verdict = iota
	// Forged: not sealed with the right key for this module, direction and link.
	Forged
	// Replayed: its counter was seen, or is too old to know.
	Replayed
	// Unproven: the peer wrote it, but perhaps long ago. Answer with an echo of
	// its challenge, and believe nothing.
	Unproven
	// Fresh: the peer wrote it after it had our challenge, or in a session that did.
	Fresh
)

var verdictNames = [...]string{"malformed", "forged", "replayed", "unproven", "fresh"}

// String gives the word for logs.
func (v Verdict) String() string { return verdictNames[v] }

// Receiver opens datagrams of one link and direction.
type Receiver struct {
	key       []byte
	direction Direction
	challenge Nonce
	current   *session // nil: nothing is proven
}

type session struct {
	id   Nonce
	aead cipher.AEAD
	seen window
}

// NewReceiver has no session yet.
func NewReceiver(key []byte, d Direction) *Receiver {
	return &Receiver{key: key, direction: d, challenge: NewNonce()}
}

// Challenge is what a datagram of a new session must echo.
func (r *Receiver) Challenge() Nonce { return r.challenge }

// Proven tells whether a session is accepted.
func (r *Receiver) Proven() bool { return r.current != nil }

// Forget drops the session: after a silence the peer must prove itself again,
// so that nothing delayed since before the silence counts.
func (r *Receiver) Forget() {
	r.current = nil
	r.challenge = NewNonce()
}

// Open judges a datagram and gives its message when the verdict is Unproven or Fresh.
func (r *Receiver) Open(datagram []byte) (Message, Verdict) {
	id, counter, ok := header(datagram)
	if !ok {
		return Message{}, Malformed
	}
	if r.current != nil && r.current.id == id {
		return r.openCurrent(datagram, counter)
	}
	aead, err := r.direction.aead(r.key, id)
	if err != nil {
		return Message{}, Forged
	}
	m, ok := open(aead, datagram, counter)
	if !ok {
		return Message{}, Forged
	}
	if subtle.ConstantTimeCompare(m.Echo[:], r.challenge[:]) != 1 {
		return m, Unproven
	}
	r.current = &session{id: id, aead: aead, seen: startWindow(counter)}
	r.challenge = NewNonce()
	return m, Fresh
}

func (r *Receiver) openCurrent(datagram []byte, counter uint64) (Message, Verdict) {
	m, ok := open(r.current.aead, datagram, counter)
	switch {
	case !ok:
		return Message{}, Forged
	case !r.current.seen.accept(counter):
		return Message{}, Replayed
	default:
		return m, Fresh
	}
}

func open(aead cipher.AEAD, datagram []byte, counter uint64) (Message, bool) {
	body, err := aead.Open(nil, nonceOf(counter), datagram[headerSize:], datagram[:headerSize])
	if err != nil {
		return Message{}, false
	}
	return parse(body)
}
