package api

import (
	"fmt"
	"net/netip"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/safehold/safehold/plugins/api/proto"
	"github.com/safehold/safehold/runtime/ha"
)

// The functions of the convert files are the only place where Go values become
// messages (…PB) and messages become Go values (…FromPB). What a message from
// the other process may get wrong ends in an error with class ErrInvalid.

func infoPB(i Info) *pb.Info {
	return &pb.Info{Kind: string(i.Kind), Name: i.Name, Version: i.Version}
}

func infoFromPB(m *pb.Info) Info {
	return Info{Kind: Kind(m.GetKind()), Name: m.GetName(), Version: m.GetVersion()}
}

func resourcePB(r ha.Resource) *pb.Resource { return &pb.Resource{Class: r.Class, Id: r.ID} }

func resourceFromPB(m *pb.Resource) ha.Resource {
	return ha.Resource{Class: m.GetClass(), ID: m.GetId()}
}

func generationPB(g ha.Generation) *pb.Generation {
	if g.IsZero() {
		return &pb.Generation{}
	}
	return &pb.Generation{Id: g[:]}
}

func generationFromPB(m *pb.Generation) (ha.Generation, error) {
	var g ha.Generation
	if len(m.GetId()) == 0 {
		return g, nil
	}
	if len(m.GetId()) != len(g) {
		return g, fmt.Errorf("generation of %d bytes, want %d: %w", len(m.GetId()), len(g), ErrInvalid)
	}
	copy(g[:], m.GetId())
	return g, nil
}

// timePB keeps the zero time as an absent message.
func timePB(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

func timeFromPB(m *timestamppb.Timestamp) time.Time {
	if m == nil {
		return time.Time{}
	}
	return m.AsTime()
}

func durationPB(d time.Duration) *durationpb.Duration { return durationpb.New(d) }

func addrPB(a netip.AddrPort) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

func addrFromPB(s string) (netip.AddrPort, error) {
	if s == "" {
		return netip.AddrPort{}, nil
	}
	a, err := netip.ParseAddrPort(s)
	if err != nil {
		return a, fmt.Errorf("address %q: %v: %w", s, err, ErrInvalid)
	}
	return a, nil
}

// mapped converts a slice; it keeps nil as nil.
func mapped[A, B any](in []A, f func(A) B) []B {
	if in == nil {
		return nil
	}
	out := make([]B, len(in))
	for i, a := range in {
		out[i] = f(a)
	}
	return out
}
