// Package errd counts processes and services and says what is missing
// (userconfig-xml.md section 12). All patterns of one poll share one scan of /proc.
//
// Patterns and verdicts are pure; Scan and Services look at the machine.
package errd

import (
	"context"
	"errors"
	"time"

	"github.com/safehold/safehold/plugins/api"
	"github.com/safehold/safehold/runtime/ha"
)

// Identity is the name in the log.
const Identity = "errd"

// Watch follows one <proc>.
type Watch struct {
	Pattern  Pattern
	Resource ha.Resource
	Poll     time.Duration
	next     time.Time
	last     string
}

// NewWatch begins at now: the first look comes after start_after-1 polls.
func NewWatch(c api.Check, now time.Time) (*Watch, error) {
	p, err := Parse(c)
	if err != nil {
		return nil, err
	}
	first := now.Add(time.Duration(max(0, p.StartAfter-1)) * c.Interval)
	return &Watch{Pattern: p, Resource: c.Resource, Poll: c.Interval, next: first}, nil
}

// Next is when to look again.
func (w *Watch) Next() time.Time { return w.next }

// Seen takes what was counted and gives the result to report, false when it is
// no news: the value is as before and no action is due. A fault is repeated at
// each poll as long as it lasts, for an action may have been in vain.
func (w *Watch) Seen(now time.Time, count int, err error) (api.Result, bool) {
	w.next = now.Add(w.Poll)
	r := api.Result{Resource: w.Resource, Identity: Identity, Value: ha.ValueUp}
	if err != nil {
		r.Value, r.Message = ha.ValueUnknown, err.Error()
	} else {
		r.Figures = map[string]float64{"running": float64(count)}
		if v := w.Pattern.Judge(count); v != Right {
			r.Value, r.Message = ha.ValueDown, w.Pattern.Message(v)
			if w.Pattern.Action != "noaction" {
				r.Fault = w.Pattern.Action
			}
		}
	}
	news := r.Value != w.last || r.Fault != ""
	w.last = r.Value
	return r, news
}

// Machine is what the watches look at.
type Machine struct {
	Proc     string // "/proc"
	Services Services
}

// Look counts for each watch that is due, with one scan for all, and hands the news to report.
func (m *Machine) Look(ctx context.Context, now time.Time, due []*Watch, report func(*Watch, api.Result)) {
	var all []Process
	var scanErr error
	scanned := false
	for _, w := range due {
		count := 0
		var err error
		if w.Pattern.Service {
			count, err = m.service(ctx, w.Pattern)
		} else {
			if !scanned {
				all, scanErr = Scan(m.Proc)
				scanned = true
			}
			count, err = w.Pattern.Count(all), scanErr
		}
		if r, news := w.Seen(now, count, err); news {
			report(w, r)
		}
	}
}

func (m *Machine) service(ctx context.Context, p Pattern) (int, error) {
	runs, err := m.Services.Running(ctx, p.Unit())
	switch {
	case errors.Is(err, ErrNoSystemd):
		return 0, errors.New("Service " + p.Name + " not known: " + err.Error())
	case err != nil:
		return 0, err
	case runs:
		return 1, nil
	default:
		return 0, nil
	}
}
