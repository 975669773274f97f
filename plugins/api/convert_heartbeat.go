package api

import (
	"fmt"

	pb "github.com/safehold/safehold/plugins/api/proto"
	"github.com/safehold/safehold/runtime/ha"
)

func heartbeatConfigPB(c HeartbeatConfig) *pb.HeartbeatConfig {
	return &pb.HeartbeatConfig{
		Module: string(c.Module), Local: string(c.Local), Peer: string(c.Peer), Key: c.Key,
		Links: mapped(c.Links, func(l Link) *pb.HeartbeatLink {
			return &pb.HeartbeatLink{
				Ident: l.Ident, Local: addrPB(l.Local), Peer: addrPB(l.Peer),
				Pulse: durationPB(l.Pulse), Timeout: durationPB(l.Timeout),
			}
		}),
	}
}

func heartbeatConfigFromPB(m *pb.HeartbeatConfig) (HeartbeatConfig, error) {
	c := HeartbeatConfig{
		Module: ha.ModuleName(m.GetModule()), Local: ha.NodeName(m.GetLocal()), Peer: ha.NodeName(m.GetPeer()),
		Key: m.GetKey(),
	}
	for _, l := range m.GetLinks() {
		local, err := addrFromPB(l.GetLocal())
		if err != nil {
			return c, fmt.Errorf("heartbeat link %s: local %w", l.GetIdent(), err)
		}
		peer, err := addrFromPB(l.GetPeer())
		if err != nil {
			return c, fmt.Errorf("heartbeat link %s: peer %w", l.GetIdent(), err)
		}
		c.Links = append(c.Links, Link{
			Ident: l.GetIdent(), Local: local, Peer: peer,
			Pulse: l.GetPulse().AsDuration(), Timeout: l.GetTimeout().AsDuration(),
		})
	}
	return c, nil
}

func heartbeatEventPB(e HeartbeatEvent) *pb.HeartbeatEvent {
	return &pb.HeartbeatEvent{Kind: pb.HeartbeatEvent_Kind(e.Kind), Link: e.Link, Payload: e.Payload}
}

func heartbeatEventFromPB(m *pb.HeartbeatEvent) (HeartbeatEvent, error) {
	return HeartbeatEvent{Kind: HeartbeatEventKind(m.GetKind()), Link: m.GetLink(), Payload: m.GetPayload()}, nil
}
