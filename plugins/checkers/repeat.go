package checkers

import (
	"context"
	"time"

	"github.com/safehold/safehold/plugins/api"
	"github.com/safehold/safehold/runtime/ha"
)

// repeat tests every interval until ctx ends and reports the first value and
// each change.
func repeat(ctx context.Context, c api.Check, k kind, report func(api.Result)) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	last := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		timer.Reset(c.Interval)
		r := once(ctx, c, k)
		if ctx.Err() == nil && r.Value != last {
			last = r.Value
			report(r)
		}
	}
}

func once(ctx context.Context, c api.Check, k kind) api.Result {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	r := api.Result{Resource: c.Resource, Identity: k.identity, Value: ha.ValueUp}
	latency, err := k.probe(ctx, c)
	if err != nil {
		r.Value, r.Message = ha.ValueDown, err.Error()
		return r
	}
	r.Figures = map[string]float64{"latency_seconds": latency.Seconds()}
	return r
}
