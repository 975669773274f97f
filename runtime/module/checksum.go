package module

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
)

// checksums records the third-party executables that the supervisor will start
// as plugins: those in the node's plugin folder. One that changes afterwards is
// not started until the module is configured again.
func (s *Store) checksums(a *Active) error {
	entries, err := os.ReadDir(s.paths.Plugins())
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("list plugins: %w", err)
	}
	a.Plugins = map[string]string{}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return fmt.Errorf("list plugins: %w", err)
		}
		if !info.Mode().IsRegular() || info.Mode()&0o111 == 0 {
			continue
		}
		path := s.paths.Plugins() + "/" + e.Name()
		if a.Plugins[path], err = Checksum(path); err != nil {
			return err
		}
	}
	return nil
}

// Checksum is the SHA-256 of a file in hexadecimal digits.
func Checksum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("checksum: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("checksum %s: %w", path, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
