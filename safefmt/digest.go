package safefmt

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
)

// Digest is the signature of a module's content in dir: 64 hexadecimal digits
// of SHA-256 over the files' sorted names, executable bits and contents.
// Times, owners, other mode bits and empty directories do not count, so two
// nodes with the same configuration have the same signature.
func Digest(dir string) (string, error) {
	files, err := readTree(context.Background(), dir, nil)
	if err != nil {
		return "", in(dir, err)
	}
	return digest(files), nil
}

// Digest is what the function Digest gives for the extracted package.
func (p *Package) Digest() string { return digest(p.files) }

func digest(files []*file) string {
	h := sha256.New()
	for _, f := range files {
		if f.Dir {
			continue
		}
		kind := "f"
		if f.Mode&0o100 != 0 {
			kind = "x"
		}
		for _, part := range [][]byte{[]byte(kind), []byte(f.Name), f.data} {
			hashPart(h, part)
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// hashPart writes a part with its length, so that no two lists of parts give
// the same bytes.
func hashPart(h hash.Hash, part []byte) {
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], uint64(len(part)))
	h.Write(n[:])
	h.Write(part)
}
