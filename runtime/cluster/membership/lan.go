package membership

import (
	"context"
	"errors"
	"log"
	"maps"
	"net"
	"strconv"
	"time"

	"github.com/hashicorp/memberlist"
	"github.com/sirupsen/logrus"

	"github.com/safehold/safehold/runtime/cluster/clusterxml"
	"github.com/safehold/safehold/runtime/ha"
)

// lan runs one memberlist.
type lan struct {
	service  *Service
	settings *Settings
	round    uint64
	lan      clusterxml.Lan
	log      logrus.FieldLogger
	list     *memberlist.Memberlist
	greet    chan struct{} // a member arrived and wants our report

	// members are those heard, copied when memberlist told of them: it changes
	// its own Node values without notice. Guarded by the Service's mutex.
	members map[ha.NodeName]memberlist.Node
}

// serveLan runs the protocol on one lan until ctx is done. An address that is
// not there yet (interface down at boot) is tried again and again.
func (s *Service) serveLan(ctx context.Context, settings *Settings, round uint64, l clusterxml.Lan, me clusterxml.Node) {
	entry := s.log.WithFields(logrus.Fields{"lan": l.Name, "node": settings.Local})
	n := &lan{service: s, settings: settings, round: round, lan: l, log: entry, greet: make(chan struct{}, 1),
		members: map[ha.NodeName]memberlist.Node{}}
	for attempt := 1; ctx.Err() == nil; attempt++ {
		err := n.open(ctx, me)
		if err == nil {
			n.run(ctx)
			return
		}
		if attempt == 1 {
			n.log.WithError(err).Warn("cannot listen for cluster traffic, trying again")
		} else {
			n.log.WithError(err).WithField("attempt", attempt).Debug("cannot listen for cluster traffic")
		}
		pause(ctx, rejoinPeriod)
	}
}

func (n *lan) open(ctx context.Context, me clusterxml.Node) error {
	c := lanConfig(n.settings, me)
	c.Logger = log.New(quiet{n.log}, "", 0)
	c.Delegate, c.Events, c.Alive = n, n, n
	t, err := newTransport(ctx, c, c.Logger)
	if err != nil {
		return err
	}
	c.Transport = t
	if n.list, err = memberlist.Create(c); err != nil {
		return errors.Join(err, t.Shutdown())
	}
	return nil
}

// run calls absent peers, spreads our report when it changes, and closes the
// sockets at the end. It does not say good-bye: a daemon that restarts quickly
// is never missed.
func (n *lan) run(ctx context.Context) {
	defer n.close()
	n.log.Info("listening for cluster traffic")
	tick := time.NewTicker(rejoinPeriod)
	defer tick.Stop()
	warned := map[ha.NodeName]time.Time{}
	var told uint64 // the newest report the members have
	for {
		n.join(ctx)
		own, push, ok := n.service.current(n.round)
		if !ok {
			return
		}
		if own.Seq != told {
			n.spread(own)
			told = own.Seq
		}
		n.warn(warned)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-push:
		case <-n.greet:
			told = 0
		}
	}
}

func (n *lan) close() {
	if err := n.list.Shutdown(); err != nil {
		n.log.WithError(err).Warn("cannot close the cluster sockets")
	}
	n.service.mu.Lock()
	defer n.service.mu.Unlock()
	if n.round != n.service.round {
		return // the view belongs to another configuration already
	}
	for _, node := range n.service.view.nodes() {
		n.service.view.leave(node, n.lan.Name)
	}
	n.service.wakeLocked()
}

// join calls the configured peers that this lan does not hear.
func (n *lan) join(ctx context.Context) {
	heard := n.heardNow()
	for _, peer := range n.lan.Nodes {
		if _, ok := heard[peer.Name]; ok || peer.Name == n.settings.Local || ctx.Err() != nil {
			continue
		}
		addr := net.JoinHostPort(peer.Addr, strconv.Itoa(n.settings.Config.Port))
		if _, err := n.list.Join([]string{string(peer.Name) + "/" + addr}); err != nil {
			n.log.WithField("peer", peer.Name).WithError(err).Debug("peer does not answer")
		}
	}
}

// spread sends our report to every member at once instead of waiting for the
// next exchange.
func (n *lan) spread(own report) {
	raw, err := own.encode()
	if err != nil {
		n.log.WithError(err).Error("cannot encode the report of this node")
		return
	}
	for node, m := range n.heardNow() {
		if err := n.list.SendReliable(&m, raw); err != nil {
			n.log.WithField("peer", node).WithError(err).Debug("cannot send the report")
		}
	}
}

// warn tells once a minute about members with another configuration.
func (n *lan) warn(warned map[ha.NodeName]time.Time) {
	for node, m := range n.heardNow() {
		if string(m.Meta) == n.settings.Signature || time.Since(warned[node]) < time.Minute {
			continue
		}
		warned[node] = time.Now()
		n.log.WithFields(logrus.Fields{"peer": node, "signature": n.settings.Signature, "theirs": string(m.Meta)}).
			Warn("peer has another cluster configuration and is left out: apply the same one on all nodes")
	}
}

// heardNow is a copy of the members this lan reaches, without the local node.
func (n *lan) heardNow() map[ha.NodeName]memberlist.Node {
	n.service.mu.Lock()
	defer n.service.mu.Unlock()
	return maps.Clone(n.members)
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
