package clusterxml

import (
	"crypto/sha256"
	"encoding/hex"
)

// Signature is the digest that two nodes compare: 40 hexadecimal digits over
// the bytes of cluster.xml and the cluster key, so that a difference in either
// shows. key is empty when encryption is off. Source: cluster-xml.md section 6.4.
func Signature(src, key []byte) string {
	h := sha256.New()
	h.Write(src)
	h.Write(key)
	return hex.EncodeToString(h.Sum(nil))[:40]
}
