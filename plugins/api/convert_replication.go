package api

import (
	"fmt"

	pb "github.com/safehold/safehold/plugins/api/proto"
	"github.com/safehold/safehold/runtime/ha"
)

func replicationConfigPB(c ReplicationConfig) *pb.ReplicationConfig {
	return &pb.ReplicationConfig{
		Module: string(c.Module), Local: string(c.Local), Peer: string(c.Peer), StateDir: c.StateDir,
		Dirs:   mapped(c.Dirs, replicatedDirPB),
		Listen: c.Listen, PeerAddr: c.PeerAddr,
		CertFile: c.CertFile, KeyFile: c.KeyFile, CaFile: c.CAFile, PlainPayload: c.PlainPayload,
		SendTimeout: durationPB(c.SendTimeout), LockTimeout: durationPB(c.LockTimeout),
		CheckTimeout: durationPB(c.CheckTimeout), CheckEvery: durationPB(c.CheckEvery),
		BlockSize: int64(c.BlockSize), ResyncRate: c.ResyncRate, ZoneResync: c.ZoneResync,
		Tuning: tuningPB(c.Tuning),
	}
}

func replicationConfigFromPB(m *pb.ReplicationConfig) ReplicationConfig {
	return ReplicationConfig{
		Module: ha.ModuleName(m.GetModule()), Local: ha.NodeName(m.GetLocal()), Peer: ha.NodeName(m.GetPeer()),
		StateDir: m.GetStateDir(),
		Dirs:     mapped(m.GetDirs(), replicatedDirFromPB),
		Listen:   m.GetListen(), PeerAddr: m.GetPeerAddr(),
		CertFile: m.GetCertFile(), KeyFile: m.GetKeyFile(), CAFile: m.GetCaFile(), PlainPayload: m.GetPlainPayload(),
		SendTimeout: m.GetSendTimeout().AsDuration(), LockTimeout: m.GetLockTimeout().AsDuration(),
		CheckTimeout: m.GetCheckTimeout().AsDuration(), CheckEvery: m.GetCheckEvery().AsDuration(),
		BlockSize: int(m.GetBlockSize()), ResyncRate: m.GetResyncRate(), ZoneResync: m.GetZoneResync(),
		Tuning: tuningFromPB(m.GetTuning()),
	}
}

func replicatedDirPB(d ReplicatedDir) *pb.ReplicatedDir {
	return &pb.ReplicatedDir{
		Path: d.Path, ReadOnly: d.ReadOnly, ToCheck: d.ToCheck,
		NotReplicated: mapped(d.NotReplicated, func(f Filter) *pb.Filter {
			return &pb.Filter{Path: f.Path, Regex: f.Regex}
		}),
	}
}

func replicatedDirFromPB(m *pb.ReplicatedDir) ReplicatedDir {
	return ReplicatedDir{
		Path: m.GetPath(), ReadOnly: m.GetReadOnly(), ToCheck: m.GetToCheck(),
		NotReplicated: mapped(m.GetNotReplicated(), func(f *pb.Filter) Filter {
			return Filter{Path: f.GetPath(), Regex: f.GetRegex()}
		}),
	}
}

func tuningPB(t ReplicationTuning) *pb.ReplicationTuning {
	return &pb.ReplicationTuning{
		DurableAck: t.DurableAck, ResyncThreads: int64(t.ResyncThreads),
		ResyncTimeout: durationPB(t.ResyncTimeout), ResyncDetail: t.ResyncDetail,
	}
}

func tuningFromPB(m *pb.ReplicationTuning) ReplicationTuning {
	return ReplicationTuning{
		DurableAck: m.GetDurableAck(), ResyncThreads: int(m.GetResyncThreads()),
		ResyncTimeout: m.GetResyncTimeout().AsDuration(), ResyncDetail: m.GetResyncDetail(),
	}
}

func assignmentPB(a Assignment) *pb.Assignment {
	return &pb.Assignment{
		Role: pb.Assignment_Role(a.Role), Epoch: a.Epoch, Generation: generationPB(a.Generation),
		Force: a.Force, Sync: pb.Assignment_Sync(a.Sync), Since: timePB(a.Since), GiveWay: a.GiveWay,
	}
}

// assignmentFromPB refuses a role or a way to catch up it does not know: doing
// something else instead could cost data.
func assignmentFromPB(m *pb.Assignment) (Assignment, error) {
	g, err := generationFromPB(m.GetGeneration())
	if err != nil {
		return Assignment{}, err
	}
	if _, known := pb.Assignment_Role_name[int32(m.GetRole())]; !known {
		return Assignment{}, fmt.Errorf("unknown data role %d: %w", m.GetRole(), ErrInvalid)
	}
	if _, known := pb.Assignment_Sync_name[int32(m.GetSync())]; !known {
		return Assignment{}, fmt.Errorf("unknown sync mode %d: %w", m.GetSync(), ErrInvalid)
	}
	return Assignment{
		Role: DataRole(m.GetRole()), Epoch: m.GetEpoch(), Generation: g, Force: m.GetForce(),
		Sync: SyncMode(m.GetSync()), Since: timeFromPB(m.GetSince()), GiveWay: m.GetGiveWay(),
	}, nil
}

func factsPB(f DataFacts) *pb.DataFacts {
	return &pb.DataFacts{
		History: &pb.History{
			Current: generationPB(f.History.Current), Ancestors: mapped(f.History.Ancestors, generationPB),
		},
		Consistent: f.Consistent, Clean: f.Clean, PeerBehind: f.PeerBehind,
		SyncedAt: timePB(f.SyncedAt), DirtyBytes: f.DirtyBytes,
	}
}

func factsFromPB(m *pb.DataFacts) (DataFacts, error) {
	f := DataFacts{
		Consistent: m.GetConsistent(), Clean: m.GetClean(), PeerBehind: m.GetPeerBehind(),
		SyncedAt: timeFromPB(m.GetSyncedAt()), DirtyBytes: m.GetDirtyBytes(),
	}
	var err error
	if f.History.Current, err = generationFromPB(m.GetHistory().GetCurrent()); err != nil {
		return f, err
	}
	for _, a := range m.GetHistory().GetAncestors() {
		g, err := generationFromPB(a)
		if err != nil {
			return f, err
		}
		f.History.Ancestors = append(f.History.Ancestors, g)
	}
	return f, nil
}

func statsPB(s SyncStats) *pb.SyncStats {
	return &pb.SyncStats{
		Mode: s.Mode, Dir: s.Dir, Files: s.Files, Copied: s.Copied, Total: s.Total, Done: s.Done,
		Compared: s.Compared, Elapsed: durationPB(s.Elapsed), Rate: s.Rate, Remaining: durationPB(s.Remaining),
	}
}

func statsFromPB(m *pb.SyncStats) SyncStats {
	return SyncStats{
		Mode: m.GetMode(), Dir: m.GetDir(), Files: m.GetFiles(), Copied: m.GetCopied(), Total: m.GetTotal(),
		Done: m.GetDone(), Compared: m.GetCompared(), Elapsed: m.GetElapsed().AsDuration(), Rate: m.GetRate(),
		Remaining: m.GetRemaining().AsDuration(),
	}
}

func dataEventPB(e DataEvent) *pb.DataEvent {
	return &pb.DataEvent{
		Kind: pb.DataEvent_Kind(e.Kind), Epoch: e.Epoch, Reason: e.Reason, Clean: e.Clean, Retry: e.Retry,
		Diverged: e.Diverged, Stats: statsPB(e.Stats), Facts: factsPB(e.Facts),
	}
}

func dataEventFromPB(m *pb.DataEvent) (DataEvent, error) {
	facts, err := factsFromPB(m.GetFacts())
	if err != nil {
		return DataEvent{}, err
	}
	return DataEvent{
		Kind: DataEventKind(m.GetKind()), Epoch: m.GetEpoch(), Reason: m.GetReason(), Clean: m.GetClean(),
		Retry: m.GetRetry(), Diverged: m.GetDiverged(), Stats: statsFromPB(m.GetStats()), Facts: facts,
	}, nil
}
