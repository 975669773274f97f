package identity

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"
)

// Key is the secret all nodes of a cluster share, and what it is used for.
// `cluster delkey` clears Encrypt and keeps Secret: membership traffic is then
// readable, while heartbeats stay authenticated (design section 7).
type Key struct {
	Secret  []byte    `json:"secret"` // 32 random bytes
	Encrypt bool      `json:"encrypt"`
	Created time.Time `json:"created"`
}

// NewKey makes a random key, as `cluster genkey` and `cluster config` do.
func NewKey(now time.Time) Key {
	k := Key{Secret: make([]byte, 32), Encrypt: true, Created: now.UTC().Truncate(time.Second)}
	_, _ = rand.Read(k.Secret) // never fails since Go 1.24
	return k
}

// ParseKey reads the contents of cluster.key.
func ParseKey(raw []byte) (Key, error) {
	var k Key
	if err := json.Unmarshal(raw, &k); err != nil {
		return Key{}, fmt.Errorf("read the cluster key: %w", err)
	}
	if len(k.Secret) != 32 {
		return Key{}, fmt.Errorf("read the cluster key: %d bytes of secret, want 32", len(k.Secret))
	}
	return k, nil
}

// Encode gives the contents of cluster.key.
func (k Key) Encode() ([]byte, error) {
	raw, err := json.Marshal(k)
	if err != nil {
		return nil, fmt.Errorf("encode the cluster key: %w", err)
	}
	return append(raw, '\n'), nil
}

// Plain is the same key after `cluster delkey`.
func (k Key) Plain() Key {
	k.Encrypt = false
	return k
}

// Signed is the part of the key that goes into the configuration's signature
// (cluster-xml.md section 6.4): empty when encryption is off.
func (k Key) Signed() []byte {
	if !k.Encrypt {
		return nil
	}
	return k.Secret
}

// Subkey derives the key of one purpose: "memberlist", "heartbeat/kvm1". Keys
// of different purposes tell nothing about each other or about the secret.
func (k Key) Subkey(purpose string) ([32]byte, error) {
	var out [32]byte
	raw, err := hkdf.Key(sha256.New, k.Secret, nil, "safehold/v1/"+purpose, len(out))
	if err != nil {
		return out, fmt.Errorf("derive the key of %s: %w", purpose, err)
	}
	copy(out[:], raw)
	return out, nil
}
