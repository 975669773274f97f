package identity

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"net/url"
	"time"

	"github.com/safehold/safehold/runtime/ha"
)

// validYears is how long certificates last (services.md section 11.6).
const validYears = 20

// Authority is the cluster's own certificate authority with its private key.
type Authority struct {
	cert    *x509.Certificate
	certPEM []byte
	key     *ecdsa.PrivateKey
	keyPEM  []byte
}

// NewAuthority makes a fresh authority: a new cluster.
func NewAuthority(now time.Time) (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the key of the cluster authority: %w", err)
	}
	t := template(now)
	t.Subject = pkix.Name{CommonName: "Safehold cluster authority"}
	t.IsCA, t.BasicConstraintsValid, t.MaxPathLenZero = true, true, true
	t.KeyUsage = x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("make the certificate of the cluster authority: %w", err)
	}
	keyPEM, err := encodeKey(key)
	if err != nil {
		return nil, err
	}
	return ParseAuthority(encodeCert(der), keyPEM)
}

// ParseAuthority reads ca.crt and ca.key, and checks that they belong together.
func ParseAuthority(certPEM, keyPEM []byte) (*Authority, error) {
	cert, err := decodeCert(certPEM)
	if err != nil {
		return nil, fmt.Errorf("read the certificate of the cluster authority: %w", err)
	}
	key, err := decodeKey(keyPEM)
	if err != nil {
		return nil, fmt.Errorf("read the key of the cluster authority: %w", err)
	}
	if !cert.IsCA || !key.PublicKey.Equal(cert.PublicKey) {
		return nil, errors.New("read the cluster authority: certificate and key do not belong together")
	}
	return &Authority{cert: cert, certPEM: certPEM, key: key, keyPEM: keyPEM}, nil
}

// ID names the cluster: 32 hexadecimal digits made from the authority's public
// key, so that a foreign authority can never claim it.
func (a *Authority) ID() string {
	sum := sha256.Sum256(a.cert.RawSubjectPublicKeyInfo)
	return hex.EncodeToString(sum[:16])
}

// PEM gives the contents of ca.crt and ca.key.
func (a *Authority) PEM() (cert, key []byte) { return a.certPEM, a.keyPEM }

// pool is the one root that nodes of the cluster trust.
func (a *Authority) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

// issue makes a key and a certificate for a node. addrs are added for the
// benefit of tools that look at addresses; peers check the name only.
func (a *Authority) issue(node ha.NodeName, addrs []netip.Addr, now time.Time) (certPEM, keyPEM []byte, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("make the key of node %s: %w", node, err)
	}
	t := template(now)
	t.Subject = pkix.Name{CommonName: string(node)}
	t.URIs = []*url.URL{nodeURI(a.ID(), node)}
	t.KeyUsage = x509.KeyUsageDigitalSignature
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	for _, ip := range addrs {
		t.IPAddresses = append(t.IPAddresses, net.IP(ip.AsSlice()))
	}
	der, err := x509.CreateCertificate(rand.Reader, t, a.cert, key.Public(), a.key)
	if err != nil {
		return nil, nil, fmt.Errorf("issue the certificate of node %s: %w", node, err)
	}
	keyPEM, err = encodeKey(key)
	return encodeCert(der), keyPEM, err
}

// template has the validity and a random serial number. A creation clock that
// was never set must not make certificates that are already over.
func template(now time.Time) *x509.Certificate {
	if built := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC); now.Before(built) {
		now = built
	}
	serial := make([]byte, 16)
	_, _ = rand.Read(serial) // never fails since Go 1.24
	return &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(serial),
		NotBefore:    time.Unix(0, 0),
		NotAfter:     now.AddDate(validYears, 0, 0),
	}
}
