package identity

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/safehold/safehold/runtime/ha"
)

// ErrNotPeer is why a certificate is refused: it is not, or not the expected,
// node of this cluster.
var ErrNotPeer = errors.New("not a node of this cluster")

// ServerTLS is for a listener that talks to nodes of the cluster only: TLS 1.3
// with a client certificate of the cluster's authority. PeerName of the
// connection's state then gives the node.
func (i *Identity) ServerTLS() *tls.Config {
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		Certificates:           []tls.Certificate{i.cert},
		ClientAuth:             tls.RequireAndVerifyClientCert,
		ClientCAs:              i.Authority.pool(),
		SessionTicketsDisabled: true,
		VerifyConnection: func(s tls.ConnectionState) error {
			_, err := i.PeerName(s)
			return err
		},
	}
}

// ClientTLS is for a connection to peer: both sides prove themselves, and the
// server must be that node, at whatever address it answers. An empty peer
// accepts any node of the cluster.
func (i *Identity) ClientTLS(peer ha.NodeName) *tls.Config {
	return &tls.Config{
		MinVersion:   tls.VersionTLS13,
		Certificates: []tls.Certificate{i.cert},
		// The library checks host names, which certificates of nodes do not
		// have; VerifyConnection below checks the chain and the node instead.
		InsecureSkipVerify: true,
		VerifyConnection: func(s tls.ConnectionState) error {
			name, err := i.PeerName(s)
			if err == nil && peer != "" && name != peer {
				return fmt.Errorf("certificate of node %s instead of %s: %w", name, peer, ErrNotPeer)
			}
			return err
		},
	}
}

// PeerName verifies the certificate the other side presented against the
// cluster's authority and gives its node name. The error wraps ErrNotPeer.
func (i *Identity) PeerName(s tls.ConnectionState) (ha.NodeName, error) {
	if len(s.PeerCertificates) == 0 {
		return "", fmt.Errorf("no certificate presented: %w", ErrNotPeer)
	}
	return i.verify(s.PeerCertificates[0], s.PeerCertificates[1:])
}

func (i *Identity) verify(leaf *x509.Certificate, rest []*x509.Certificate) (ha.NodeName, error) {
	between := x509.NewCertPool()
	for _, c := range rest {
		between.AddCert(c)
	}
	_, err := leaf.Verify(x509.VerifyOptions{
		Roots:         i.Authority.pool(),
		Intermediates: between,
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if err != nil {
		return "", fmt.Errorf("%w: %v", ErrNotPeer, err)
	}
	return nodeOf(leaf, i.Authority.ID())
}

func nodeURI(cluster string, node ha.NodeName) *url.URL {
	return &url.URL{Scheme: "safehold", Host: "cluster", Path: "/" + cluster + "/node/" + string(node)}
}

// nodeOf reads the node name in the certificate's one URI.
func nodeOf(cert *x509.Certificate, cluster string) (ha.NodeName, error) {
	if len(cert.URIs) != 1 {
		return "", fmt.Errorf("%d names in the certificate, want one: %w", len(cert.URIs), ErrNotPeer)
	}
	u := cert.URIs[0]
	name, ok := strings.CutPrefix(u.Path, "/"+cluster+"/node/")
	if u.Scheme != "safehold" || u.Host != "cluster" || !ok || name == "" || strings.Contains(name, "/") {
		return "", fmt.Errorf("certificate names %q: %w", u.Redacted(), ErrNotPeer)
	}
	return ha.NodeName(name), nil
}
