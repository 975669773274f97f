package link

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/google/renameio/v2"
	"golang.org/x/crypto/argon2"
)

// PasswordKey is what a node keeps of rcmdadmin's password. It opens what the
// password opens on every node, so it stays in a 0600 file.
type PasswordKey [32]byte

// Parameters of argon2id. They are part of the protocol: all nodes derive the
// same key from the same password. See the package comment on the salt.
const (
	argonTime    = 3
	argonMemory  = 64 << 10 // KiB
	argonThreads = 2
	argonSalt    = "safehold rcmdadmin v1"
)

// KeyOfPassword derives the key. It takes a few hundred milliseconds and 64 MiB.
func KeyOfPassword(password string) PasswordKey {
	return PasswordKey(argon2.IDKey([]byte(password), []byte(argonSalt), argonTime, argonMemory, argonThreads, 32))
}

// SavePassword stores the key of a password in file, mode 0600, as
// `webservercfg -passwd` does on every node.
func SavePassword(file, password string) error {
	if password == "" {
		return errors.New("set the password of rcmdadmin: the password is empty")
	}
	k := KeyOfPassword(password)
	text := hex.EncodeToString(k[:]) + "\n"
	if err := renameio.WriteFile(file, []byte(text), 0o600, renameio.IgnoreUmask()); err != nil {
		return fmt.Errorf("set the password of rcmdadmin: %w", err)
	}
	return nil
}

// LoadPassword reads the key in file; ok is false when no password was ever set.
func LoadPassword(file string) (k PasswordKey, ok bool, err error) {
	raw, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return k, false, nil
	}
	if err != nil {
		return k, false, fmt.Errorf("read the password of rcmdadmin: %w", err)
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(raw)))
	if err != nil || len(key) != len(k) {
		return k, false, errors.New("read the password of rcmdadmin: damaged file, set the password again")
	}
	return PasswordKey(key), true, nil
}

// noPassword is a key nobody has, so that a node without a password refuses
// exactly like one with another password.
func noPassword() PasswordKey {
	var k PasswordKey
	_, _ = rand.Read(k[:]) // never fails since Go 1.24
	return k
}

// The two directions of the proof.
const (
	clientSide = "client"
	serverSide = "server"
)

// proof binds the key to one side of one TLS channel.
func (k PasswordKey) proof(side string, s *tls.ConnectionState) ([]byte, error) {
	if s.Version != tls.VersionTLS13 {
		return nil, errors.New("the channel is not TLS 1.3")
	}
	exporter, err := s.ExportKeyingMaterial("EXPORTER-Channel-Binding", nil, 32)
	if err != nil {
		return nil, fmt.Errorf("bind to the channel: %w", err)
	}
	mac := hmac.New(sha256.New, k[:])
	mac.Write([]byte("safehold link v1 " + side + "\x00"))
	mac.Write(exporter)
	return mac.Sum(nil), nil
}

// proves checks in constant time that got is the proof of side on this channel.
func (k PasswordKey) proves(got []byte, side string, s *tls.ConnectionState) bool {
	want, err := k.proof(side, s)
	return err == nil && hmac.Equal(got, want)
}
