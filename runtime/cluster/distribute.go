package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/safehold/safehold/runtime/cluster/clusterxml"
	"github.com/safehold/safehold/runtime/cluster/link"
	"github.com/safehold/safehold/runtime/ha"
)

// sendTimeout bounds the distribution to one node, name resolution included.
const sendTimeout = 60 * time.Second

// maxAnswer bounds what a node answers.
const maxAnswer = 64 << 10

// Result is how the distribution to one node ended.
type Result struct {
	Node ha.NodeName
	Err  error
}

// Distribute is `safekit -H "*" -G`: it copies the cluster folder to every
// other node of the configuration in it, all at once, each of which applies
// it, and then applies it here. port is the nodes' link port. The results are
// in the order of cluster.xml; the error is for what kept it from starting.
// A node that fails does not keep the others from changing.
func (m *Manager) Distribute(ctx context.Context, d *link.Dialer, port int) ([]Result, error) {
	raw, err := m.Bundle()
	if err != nil {
		return nil, err
	}
	if err := m.checkLock(NoLock); err != nil {
		return nil, err
	}
	b, err := readBundle("the cluster folder", raw)
	if err != nil {
		return nil, err
	}
	parsed, _, err := clusterxml.Parse(xmlFile, b.xml)
	if err != nil {
		return nil, err
	}
	cfg, err := clusterxml.Resolve(ctx, xmlFile, parsed, m.Resolver)
	if err != nil {
		return nil, err
	}
	addrs, err := m.LocalAddrs()
	if err != nil {
		return nil, err
	}
	local, err := clusterxml.LocalNode(cfg, addrs)
	if err != nil {
		return nil, err
	}
	results := make([]Result, len(cfg.Nodes()))
	var all sync.WaitGroup
	for i, node := range cfg.Nodes() {
		results[i].Node = node
		if node != local {
			all.Go(func() { results[i].Err = send(ctx, d, link.Addresses(cfg, node, port), raw) })
		}
	}
	all.Wait()
	for i := range results {
		if results[i].Node == local {
			_, results[i].Err = m.Apply(ctx, raw)
		}
	}
	return results, nil
}

// Apply takes over a bundle from another node: the receiving end of -G. It is
// refused like Config, and also while the configuration is locked.
func (m *Manager) Apply(ctx context.Context, raw []byte) ([]clusterxml.Warning, error) {
	b, err := readBundle("the received configuration", raw)
	if err != nil {
		return nil, err
	}
	if b.keys == nil {
		return nil, errors.New("the received configuration has no keys")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.apply(ctx, change{name: xmlFile, xml: b.xml, keys: b.keys})
}

// send delivers a bundle at the first address that answers.
func send(ctx context.Context, d *link.Dialer, addrs []string, raw []byte) error {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	err := errors.New("no address")
	for _, addr := range addrs {
		var s *link.Session
		// Any node of the cluster will do: the node's name may be what changes.
		if s, err = d.Open(ctx, addr, ""); err != nil {
			continue
		}
		defer s.Close()
		return post(ctx, s, raw)
	}
	return err
}

func post(ctx context.Context, s *link.Session, raw []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+link.ServerName+link.ClusterPath, bytes.NewReader(raw))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/zip")
	resp, err := s.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return errors.New(strings.TrimSpace(string(text)))
	}
	return nil
}

// Handler receives what Distribute sends. Only link.Server may call it: it
// trusts every sender the link lets through.
func (m *Manager) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		peer, ok := link.PeerOf(r.Context())
		if !ok {
			http.Error(w, "not authorised", http.StatusForbidden)
			return
		}
		if r.Method != http.MethodPost {
			http.Error(w, "use POST", http.StatusMethodNotAllowed)
			return
		}
		log := m.Log.WithField("peer", peer.Node).WithField("remote", r.RemoteAddr)
		var remarks []clusterxml.Warning
		raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBundle))
		if err == nil {
			remarks, err = m.Apply(r.Context(), raw)
		}
		for _, remark := range remarks {
			log.WithField("remark", remark.String()).Warn("remark on a distributed cluster configuration")
		}
		if err != nil {
			log.WithError(err).Warn("a distributed cluster configuration was refused")
			http.Error(w, err.Error(), http.StatusConflict)
			return
		}
		log.Info("a distributed cluster configuration was applied")
	})
}
