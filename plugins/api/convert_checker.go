package api

import (
	pb "github.com/safehold/safehold/plugins/api/proto"
)

func checkPB(c Check) *pb.Check {
	return &pb.Check{
		Resource: resourcePB(c.Resource), Kind: c.Kind, Attrs: c.Attrs,
		Interval: durationPB(c.Interval), Timeout: durationPB(c.Timeout),
	}
}

func checkFromPB(m *pb.Check) Check {
	return Check{
		Resource: resourceFromPB(m.GetResource()), Kind: m.GetKind(), Attrs: m.GetAttrs(),
		Interval: m.GetInterval().AsDuration(), Timeout: m.GetTimeout().AsDuration(),
	}
}

func resultPB(r Result) *pb.CheckResult {
	return &pb.CheckResult{
		Resource: resourcePB(r.Resource), Value: r.Value, Message: r.Message, Figures: r.Figures,
		Fault: r.Fault, Identity: r.Identity,
	}
}

func resultFromPB(m *pb.CheckResult) (Result, error) {
	return Result{
		Resource: resourceFromPB(m.GetResource()), Value: m.GetValue(), Message: m.GetMessage(), Figures: m.GetFigures(),
		Fault: m.GetFault(), Identity: m.GetIdentity(),
	}, nil
}
