package automaton

import (
	"github.com/safehold/safehold/plugins/api"
	"github.com/safehold/safehold/runtime/ha"
)

// dataSide is what is known of the local replicator.
type dataSide struct {
	up    bool // its process is there and configured
	facts api.DataFacts
	role  api.DataRole // last assigned
	epoch uint64       // of that assignment
}

func (m *Machine) dataBack(f api.DataFacts) {
	if m.data.role != api.DataIdle {
		m.dataGone("restarted") // its death was not told
	}
	m.data = dataSide{up: true, facts: f}
	m.taken()
}

// dataGone: the replicator's process died. A primary gives the role away
// instead of serving a broken mount; a secondary starts over.
func (m *Machine) dataGone(reason string) {
	had := m.data.role
	m.data.up, m.data.role = false, api.DataIdle
	if m.role.State == ha.Stop || !m.replicated() || had == api.DataIdle {
		return
	}
	m.localFault("replication process ended: " + reason)
}

// localFault ends a role whose replication cannot go on here.
func (m *Machine) localFault(reason string) {
	switch {
	case m.role.State.Primary():
		if m.prim.fault {
			return
		}
		m.prim.fault = true
		m.logf(ha.Critical, "nfsadmin", "Resource rfs.degraded set to up by nfsadmin")
		m.resource("rfs", "degraded", ha.ValueUp, "nfsadmin")
		m.logf(ha.Critical, "nfsadmin", "Replication failed on the primary: %s", reason)
		if m.leave == nil {
			m.automatic(request{verb: ha.VerbStopStart, who: "rfs", critical: true})
		}
	case m.role.State == ha.Second:
		m.second.ready = false
		m.giveUpSecond("replication failed: " + reason)
		m.wait.retryAt = m.now + m.cfg.HoldLimit
	}
}

func (m *Machine) dataEvent(e api.DataEvent) {
	m.data.facts = e.Facts
	if m.role.State == ha.Stop || e.Epoch != m.data.epoch && e.Kind != api.FactsChanged {
		return
	}
	if e.Kind == api.LocalFault {
		m.localFault(e.Reason)
		return
	}
	switch m.data.role {
	case api.DataPrimary:
		m.primaryData(e)
	case api.DataSecondary:
		m.secondaryData(e)
	case api.DataIdle:
	}
}

func (m *Machine) primaryData(e api.DataEvent) {
	switch e.Kind {
	case api.PeerReady:
		m.prim.paired, m.prim.expectUntil, m.prim.lost = true, 0, false
		m.persist(func(f *Facts) { f.OwesFull = false })
	case api.PeerLost:
		m.prim.lost = true
		m.prim.lostClean = e.Clean
	case api.PeerDetached:
		m.unpair()
	case api.PeerAttached, api.SyncStarted, api.SyncProgress, api.SyncDone, api.SyncFailed,
		api.PrimaryLost, api.LocalFault, api.FactsChanged:
	}
}

func (m *Machine) secondaryData(e api.DataEvent) {
	s := &m.second
	switch e.Kind {
	case api.SyncStarted:
		if s.ready { // it caught up by itself after a loss: not equal until SyncDone
			m.giveUpSecond("reintegration began again")
		}
		m.logf(ha.Event, "reintegre", "Updating directory tree from %s", e.Stats.Dir)
	case api.SyncDone:
		if s.ending {
			return
		}
		s.ready, s.lostAt, s.synced = true, 0, true
		m.persist(func(f *Facts) { f.TakesFull = false })
		m.resource("rfs", "uptodate", ha.ValueUp, "rfs")
		m.resource("rfs", "reintegre_failed", "false", "rfs")
		m.logf(ha.Event, "rfsplug", "Reintegration ended (%s)", syncWord(e.Stats.Mode))
	case api.SyncFailed:
		m.syncFailed(e)
	case api.PrimaryLost:
		if s.ready && s.lostAt == 0 {
			s.lostAt = m.now
			m.ask()
		}
	case api.PeerAttached, api.PeerReady, api.PeerLost, api.PeerDetached, api.SyncProgress,
		api.LocalFault, api.FactsChanged:
	}
}

func syncWord(mode string) string {
	if mode == "" {
		return "default"
	}
	return mode
}

// syncFailed: a lost connection is tried again, a refusal ends the secondary
// (states.md section 7).
func (m *Machine) syncFailed(e api.DataEvent) {
	m.second.ready = false
	m.resource("rfs", "reintegre_failed", "true", "rfs")
	m.logf(ha.Event, "reintegre", "Reintegration failed: %s", e.Reason)
	if e.Retry || e.Diverged {
		m.wait.retryAt = m.now + m.cfg.HoldLimit/2
		m.giveUpSecond("reintegration failed")
		return
	}
	if m.leave == nil {
		m.ask()
		m.request(request{verb: ha.VerbStop, who: "rfs", critical: true})
	}
}
