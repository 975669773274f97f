package probe

import (
	"context"
	"time"

	"github.com/safehold/safehold/plugins/api"
	"github.com/safehold/safehold/runtime/ha"
)

// Test looks once. No error is up; an error is down, and its text the reason.
// ctx carries the check's timeout. The figures, which may be nil, go with the result.
type Test func(ctx context.Context, c api.Check) (figures map[string]float64, err error)

// Every makes a Watch that tests at each interval. identity is the setter's
// name in the log.
func Every(identity string, test Test) func(context.Context, api.Check, func(api.Result)) {
	return func(ctx context.Context, c api.Check, report func(api.Result)) {
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
			r := once(ctx, c, identity, test)
			if ctx.Err() == nil && r.Value != last {
				last = r.Value
				report(r)
			}
		}
	}
}

func once(ctx context.Context, c api.Check, identity string, test Test) api.Result {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	r := api.Result{Resource: c.Resource, Identity: identity, Value: ha.ValueUp}
	var err error
	if r.Figures, err = test(ctx, c); err != nil {
		r.Value, r.Message = ha.ValueDown, err.Error()
	}
	return r
}
