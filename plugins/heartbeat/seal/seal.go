// Package seal encrypts and authenticates heartbeat datagrams and refuses
// everything that the peer did not just send. It is pure but for random numbers.
//
// A datagram is
//
//	"SHB1" | session (16) | counter (8) | ChaCha20-Poly1305( message )
//
// under a key derived from the shared key, module, direction, link and session.
// A message carries the sender's challenge and the echo of the receiver's:
//
//	challenge (16) | echo (16) | life (16) | version (8) | flags (1) | payload
//
// Inside a session, a sliding window refuses counters seen before. A session
// is accepted only when a datagram of it echoes the receiver's challenge of the
// moment, which is used once: a recording of an earlier session cannot.
//
//	restarted A                                   B
//	   │ session S', challenge a, wants an echo   │ unknown session: unproven
//	   │ ───────────────────────────────────────► │
//	   │         session T, challenge b, echo a   │
//	   │ ◄─────────────────────────────────────── │ (A accepts T)
//	   │ session S', echo b                       │
//	   │ ───────────────────────────────────────► │ (B accepts S')
package seal

import (
	"bytes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"
)

const (
	magic      = "SHB1"
	headerSize = len(magic) + 16 + 8
	fixedSize  = 16 + 16 + 16 + 8 + 1
	// Overhead is what a datagram is longer than its payload, bytes.
	Overhead = headerSize + fixedSize + chacha20poly1305.Overhead
	// KeySize is the size of the shared key, bytes.
	KeySize = 32
)

const flagWantsEcho = 1

// Nonce is a random value: a challenge, a session's or a life's name.
type Nonce [16]byte

// NewNonce draws one.
func NewNonce() (n Nonce) {
	_, _ = rand.Read(n[:]) // never fails (crypto/rand)
	return n
}

// Message is the plain content of a datagram.
type Message struct {
	Challenge Nonce // of the sender
	Echo      Nonce // of the receiver, as the sender heard it
	Life      Nonce // of the sender's process
	Version   uint64
	WantsEcho bool // the sender does not know yet whether it hears the present
	Payload   []byte
}

// Direction says who speaks to whom, and where. Both sides must name all alike.
type Direction struct {
	Module, From, To, Link string
}

func (d Direction) aead(key []byte, session Nonce) (cipher.AEAD, error) {
	info := strings.Join([]string{"safehold heartbeat 1", d.Module, d.From, d.To, d.Link}, "\x00")
	k, err := hkdf.Key(sha256.New, key, session[:], info, chacha20poly1305.KeySize)
	if err != nil {
		return nil, fmt.Errorf("derive a heartbeat key: %w", err)
	}
	return chacha20poly1305.New(k)
}

func nonceOf(counter uint64) []byte {
	n := make([]byte, chacha20poly1305.NonceSize)
	binary.BigEndian.PutUint64(n[4:], counter)
	return n
}

// Sender seals datagrams of one session.
type Sender struct {
	session Nonce
	aead    cipher.AEAD
	counter uint64
}

// NewSender begins a session.
func NewSender(key []byte, d Direction) (*Sender, error) {
	s := &Sender{session: NewNonce()}
	var err error
	s.aead, err = d.aead(key, s.session)
	return s, err
}

// Seal gives the next datagram.
func (s *Sender) Seal(m Message) []byte {
	s.counter++
	out := make([]byte, 0, Overhead+len(m.Payload))
	out = append(out, magic...)
	out = append(out, s.session[:]...)
	out = binary.BigEndian.AppendUint64(out, s.counter)
	body := make([]byte, 0, fixedSize+len(m.Payload))
	body = append(body, m.Challenge[:]...)
	body = append(body, m.Echo[:]...)
	body = append(body, m.Life[:]...)
	body = binary.BigEndian.AppendUint64(body, m.Version)
	body = append(body, flags(m))
	body = append(body, m.Payload...)
	return s.aead.Seal(out, nonceOf(s.counter), body, out)
}

func flags(m Message) byte {
	if m.WantsEcho {
		return flagWantsEcho
	}
	return 0
}

func parse(body []byte) (m Message, ok bool) {
	if len(body) < fixedSize {
		return m, false
	}
	copy(m.Challenge[:], body)
	copy(m.Echo[:], body[16:])
	copy(m.Life[:], body[32:])
	m.Version = binary.BigEndian.Uint64(body[48:])
	m.WantsEcho = body[56]&flagWantsEcho != 0
	m.Payload = body[fixedSize:]
	return m, true
}

// header splits a datagram; the rest is sealed.
func header(datagram []byte) (session Nonce, counter uint64, ok bool) {
	if len(datagram) < Overhead || !bytes.HasPrefix(datagram, []byte(magic)) {
		return session, 0, false
	}
	copy(session[:], datagram[len(magic):])
	return session, binary.BigEndian.Uint64(datagram[len(magic)+16:]), true
}
