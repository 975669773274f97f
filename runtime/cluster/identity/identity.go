package identity

import (
	"crypto/tls"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"time"

	"github.com/safehold/safehold/runtime/ha"
)

// Names of the files in the cluster folder.
const (
	CACertFile   = "ca.crt"
	CAKeyFile    = "ca.key"
	NodeCertFile = "node.crt"
	NodeKeyFile  = "node.key"
	KeyFile      = "cluster.key"
)

// maxFile bounds every file read here.
const maxFile = 64 << 10

// Identity is one node's membership of one cluster.
type Identity struct {
	Node      ha.NodeName
	Authority *Authority
	Key       Key

	cert            tls.Certificate
	certPEM, keyPEM []byte
}

// New makes the identity of a node: it signs a fresh node key with authority.
func New(authority *Authority, key Key, node ha.NodeName, addrs []netip.Addr, now time.Time) (*Identity, error) {
	certPEM, keyPEM, err := authority.issue(node, addrs, now)
	if err != nil {
		return nil, err
	}
	return assemble(authority, key, certPEM, keyPEM)
}

// Load reads the identity in the cluster folder dir. The error wraps
// fs.ErrNotExist when there is none.
func Load(dir string) (*Identity, error) {
	files := map[string][]byte{}
	for _, name := range []string{CACertFile, CAKeyFile, NodeCertFile, NodeKeyFile, KeyFile} {
		raw, err := readFile(dir, name)
		if err != nil {
			return nil, fmt.Errorf("load the cluster identity: %w", err)
		}
		files[name] = raw
	}
	authority, err := ParseAuthority(files[CACertFile], files[CAKeyFile])
	if err != nil {
		return nil, err
	}
	key, err := ParseKey(files[KeyFile])
	if err != nil {
		return nil, err
	}
	return assemble(authority, key, files[NodeCertFile], files[NodeKeyFile])
}

// Files gives what to write into the cluster folder, by name, mode 0600 each.
func (i *Identity) Files() (map[string][]byte, error) {
	key, err := i.Key.Encode()
	if err != nil {
		return nil, err
	}
	caCert, caKey := i.Authority.PEM()
	return map[string][]byte{CACertFile: caCert, CAKeyFile: caKey, KeyFile: key,
		NodeCertFile: i.certPEM, NodeKeyFile: i.keyPEM}, nil
}

// Subkey derives the shared key of one purpose; see Key.Subkey.
func (i *Identity) Subkey(purpose string) ([32]byte, error) { return i.Key.Subkey(purpose) }

func assemble(authority *Authority, key Key, certPEM, keyPEM []byte) (*Identity, error) {
	cert, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, fmt.Errorf("read the node certificate: %w", err)
	}
	i := &Identity{Authority: authority, Key: key, cert: cert, certPEM: certPEM, keyPEM: keyPEM}
	i.Node, err = i.verify(cert.Leaf, nil)
	if err != nil {
		return nil, fmt.Errorf("check the node certificate: %w", err)
	}
	return i, nil
}

// readFile reads a regular file of dir, which no symbolic link may leave.
func readFile(dir, name string) ([]byte, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	info, err := root.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxFile {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fmt.Errorf("not a file of at most %d bytes", maxFile)}
	}
	return root.ReadFile(name)
}
