package pluginhost

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"

	goplugin "github.com/hashicorp/go-plugin"
)

// Checksum gives the SHA-256 of a file, hexadecimal: what Config.Checksums holds.
func Checksum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("checksum of a plugin: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("checksum of a plugin: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// verify judges a third-party executable before each start.
func (h *Host) verify(p Plugin) error {
	if p.Path == "" {
		return nil
	}
	if !filepath.IsAbs(p.Path) {
		return fmt.Errorf("plugin %s: %s is not an absolute path", p.Name, p.Path)
	}
	recorded, ok := h.cfg.Checksums[p.Path]
	if !ok {
		return fmt.Errorf("plugin %s: %s: %w; configure the module again", p.Name, p.Path, ErrUnrecorded)
	}
	sum, err := hex.DecodeString(recorded)
	if err != nil {
		return fmt.Errorf("plugin %s: recorded checksum of %s: %v: %w", p.Name, p.Path, err, ErrUnrecorded)
	}
	same, err := (&goplugin.SecureConfig{Checksum: sum, Hash: sha256.New()}).Check(p.Path)
	if err != nil {
		return fmt.Errorf("plugin %s: checksum of %s: %w", p.Name, p.Path, err)
	}
	if !same {
		return fmt.Errorf("plugin %s: %s: %w; if that was you, configure the module again", p.Name, p.Path, ErrChanged)
	}
	return nil
}
