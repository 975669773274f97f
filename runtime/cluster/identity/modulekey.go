package identity

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
)

// ModuleKeyFile is the key of a module, in the module's own folder. While it
// is there the payload between the module's nodes is encrypted
// (`module genkey`, `module delkey`). It holds 64 hexadecimal digits.
const ModuleKeyFile = "modulekey.dat"

// ModuleKey is the random secret of one module.
type ModuleKey [32]byte

// GenModuleKey makes a new key for the module in dir, replacing any other, and
// returns it when it is on disk.
func GenModuleKey(dir string) (ModuleKey, error) {
	var k ModuleKey
	_, _ = rand.Read(k[:]) // never fails since Go 1.24
	text := hex.EncodeToString(k[:]) + "\n"
	if err := renameio.WriteFile(filepath.Join(dir, ModuleKeyFile), []byte(text), 0o600, renameio.IgnoreUmask()); err != nil {
		return ModuleKey{}, fmt.Errorf("write the module key: %w", err)
	}
	return k, nil
}

// LoadModuleKey reads the key of the module in dir; ok is false when it has none.
func LoadModuleKey(dir string) (k ModuleKey, ok bool, err error) {
	raw, err := readFile(dir, ModuleKeyFile)
	if errors.Is(err, fs.ErrNotExist) {
		return k, false, nil
	}
	if err != nil {
		return k, false, fmt.Errorf("read the module key: %w", err)
	}
	// The final line end is optional: the file may have been copied by hand.
	for len(raw) > 0 && raw[len(raw)-1] == '\n' {
		raw = raw[:len(raw)-1]
	}
	if n, err := hex.Decode(k[:], raw[:min(len(raw), 2*len(k))]); err != nil || n != len(k) || len(raw) != 2*len(k) {
		return ModuleKey{}, false, fmt.Errorf("read the module key: want %d hexadecimal digits", 2*len(k))
	}
	return k, true, nil
}

// DelModuleKey removes the key of the module in dir, if it has one.
func DelModuleKey(dir string) error {
	err := os.Remove(filepath.Join(dir, ModuleKeyFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the module key: %w", err)
	}
	return nil
}

// Fingerprint is safe to show and to compare between nodes: 16 hexadecimal
// digits that tell nothing about the key.
func (k ModuleKey) Fingerprint() string {
	sum := sha256.Sum256(append([]byte("safehold/modulekey/"), k[:]...))
	return hex.EncodeToString(sum[:8])
}

// Subkey derives the key of one purpose, such as "payload".
func (k ModuleKey) Subkey(purpose string) ([32]byte, error) {
	var out [32]byte
	raw, err := hkdf.Key(sha256.New, k[:], nil, "safehold/v1/module/"+purpose, len(out))
	if err != nil {
		return out, fmt.Errorf("derive the module key of %s: %w", purpose, err)
	}
	copy(out[:], raw)
	return out, nil
}
