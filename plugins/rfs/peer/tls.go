package peer

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/safehold/safehold/runtime/ha"
)

// Identity is this node's certificate and how to know the other's.
type Identity struct {
	CertFile, KeyFile, CAFile string
	Peer                      ha.NodeName
}

// Config loads the files and gives a configuration for both ends: TLS 1.3, a
// certificate of the cluster's authority on both sides, and in it a URI that
// ends in /node/<peer>. Host names play no part.
func (i Identity) Config() (*tls.Config, error) {
	cert, err := tls.LoadX509KeyPair(i.CertFile, i.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("load node certificate: %w", err)
	}
	pem, err := os.ReadFile(i.CAFile)
	if err != nil {
		return nil, fmt.Errorf("load cluster authority: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("load cluster authority: no certificate in %s", i.CAFile)
	}
	return &tls.Config{
		MinVersion:   tls.VersionTLS13,
		Certificates: []tls.Certificate{cert},
		ClientAuth:   tls.RequireAnyClientCert,
		// Certificates name nodes, not hosts: VerifyConnection does all checks.
		InsecureSkipVerify:     true,
		SessionTicketsDisabled: true,
		VerifyConnection:       func(s tls.ConnectionState) error { return verify(s, pool, i.Peer) },
	}, nil
}

func verify(s tls.ConnectionState, pool *x509.CertPool, peer ha.NodeName) error {
	if len(s.PeerCertificates) == 0 {
		return errors.New("the other side sent no certificate")
	}
	leaf, between := s.PeerCertificates[0], x509.NewCertPool()
	for _, c := range s.PeerCertificates[1:] {
		between.AddCert(c)
	}
	_, err := leaf.Verify(x509.VerifyOptions{Roots: pool, Intermediates: between, CurrentTime: time.Now(),
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	if err != nil {
		return fmt.Errorf("certificate of the other side: %w", err)
	}
	for _, u := range leaf.URIs {
		if strings.HasSuffix(u.Path, "/node/"+string(peer)) {
			return nil
		}
	}
	return fmt.Errorf("certificate of the other side does not name node %s", peer)
}
