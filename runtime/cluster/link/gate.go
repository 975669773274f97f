package link

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/sirupsen/logrus"
)

// Paths of the link itself; all others belong to Server.Commands.
const (
	ProofPath   = "/link/v1/proof"   // POST: prove the password on this connection
	ClusterPath = "/link/v1/cluster" // POST: take over a cluster configuration
)

const maxProof = 1024 // bytes of the body of ProofPath

// proofBody travels both ways; Proof is in hexadecimal.
type proofBody struct {
	Proof string `json:"proof"`
}

// gate decides who may do what. See the package comment.
type gate struct {
	server   *Server
	throttle *throttle
	stranger tls.Certificate // shown while the node is in no cluster
	nobody   PasswordKey     // stands in while no password is set
}

// configFor chooses the certificate: the console's for browsers, the cluster's
// for link clients.
func (g *gate) configFor(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	if c := g.server.Console; c != nil && hello.ServerName != ServerName {
		return c.TLS, nil
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{g.stranger}, SessionTicketsDisabled: true}
	if id := g.server.Identity(); id != nil {
		cfg = id.ServerTLS()
		check := cfg.VerifyConnection
		// Whoever has no certificate may still prove the password.
		cfg.ClientAuth = tls.VerifyClientCertIfGiven
		cfg.VerifyConnection = func(s tls.ConnectionState) error {
			if len(s.PeerCertificates) == 0 {
				return nil
			}
			return check(s)
		}
	}
	cfg.NextProtos = []string{"http/1.1"}
	return cfg, nil
}

// ServeHTTP lets a request pass to the handler its sender may reach.
func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if c := g.server.Console; c != nil && r.TLS.ServerName != ServerName {
		c.Handler.ServeHTTP(w, r)
		return
	}
	id := g.server.Identity()
	if len(r.TLS.PeerCertificates) > 0 && id != nil {
		// Checked again: the authority may have changed since the handshake.
		if node, err := id.PeerName(*r.TLS); err == nil {
			g.pass(w, r, Peer{Node: node})
			return
		}
	} else if r.URL.Path == ProofPath && r.Method == http.MethodPost {
		g.prove(w, r)
		return
	} else if s, ok := r.Context().Value(sessionKey{}).(*session); ok && s.isProved() &&
		(id == nil || r.URL.Path == ClusterPath) {
		g.pass(w, r, Peer{})
		return
	}
	refuse(w)
}

func (g *gate) pass(w http.ResponseWriter, r *http.Request, p Peer) {
	r = r.WithContext(withPeer(r.Context(), p))
	if r.URL.Path == ClusterPath {
		g.server.Cluster.ServeHTTP(w, r)
		return
	}
	g.server.Commands.ServeHTTP(w, r)
}

// prove checks the client's proof and answers with ours. A connection gets one
// attempt.
func (g *gate) prove(w http.ResponseWriter, r *http.Request) {
	log := g.server.Log.WithField("remote", r.RemoteAddr)
	from := remoteAddr(r)
	if wait := g.throttle.begin(from, time.Now()); wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(wait/time.Second)+1))
		w.Header().Set("Connection", "close")
		http.Error(w, "too many attempts, try again later", http.StatusTooManyRequests)
		return
	}
	key, ok := g.server.Password()
	if !ok {
		key = g.nobody
	}
	var body proofBody
	err := http.NewResponseController(w).SetReadDeadline(time.Now().Add(headerTimeout))
	var raw []byte
	if err == nil {
		raw, err = readAll(r.Body, maxProof)
	}
	if err == nil {
		err = json.Unmarshal(raw, &body)
	}
	given, hexErr := hex.DecodeString(body.Proof)
	if err != nil || hexErr != nil || !key.proves(given, clientSide, r.TLS) {
		log.Warn("a client did not prove the password of rcmdadmin")
		refuse(w)
		return
	}
	g.throttle.succeed(from)
	r.Context().Value(sessionKey{}).(*session).setProved()
	log.WithFields(logrus.Fields{"cluster": g.server.Identity() != nil}).Info("a client proved the password of rcmdadmin")
	own, err := key.proof(serverSide, r.TLS)
	if err != nil {
		refuse(w)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(proofBody{hex.EncodeToString(own)}) // the client notices a lost answer
}

// refuse is the one answer to everything that is not allowed.
func refuse(w http.ResponseWriter) {
	w.Header().Set("Connection", "close")
	http.Error(w, "not authorised", http.StatusForbidden)
}

func remoteAddr(r *http.Request) netip.Addr {
	at, _ := netip.ParseAddrPort(r.RemoteAddr) // the zero address is an origin like others
	return at.Addr()
}

// selfSigned makes the certificate of a node that is in no cluster. It proves
// nothing: the password does, bound to the channel.
func selfSigned(now time.Time) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make the link's own certificate: %w", err)
	}
	t := &x509.Certificate{SerialNumber: big.NewInt(now.UnixNano()), DNSNames: []string{ServerName},
		NotBefore: time.Unix(0, 0), NotAfter: now.AddDate(20, 0, 0), KeyUsage: x509.KeyUsageDigitalSignature}
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make the link's own certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
