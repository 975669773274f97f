package supervisor

import (
	"context"
	"fmt"

	"github.com/safehold/safehold/runtime/control"
	"github.com/safehold/safehold/runtime/ha"
)

// awaiter is a command that waits for a state.
type awaiter struct {
	what  control.Await
	begun bool // of AwaitStart: the module was seen starting
	done  chan error
}

// await answers when the module is in the state, or cannot get there.
func (s *Supervisor) await(ctx context.Context, what control.Await) (control.View, error) {
	a := &awaiter{what: what, done: make(chan error, 1)}
	s.post(func() { s.awaiting = append(s.awaiting, a) })
	defer s.post(func() { s.forget(a) })
	select {
	case err := <-a.done:
		var v control.View
		if err != nil {
			return v, err
		}
		view := make(chan control.View, 1)
		s.post(func() { view <- s.view() })
		select {
		case v = <-view:
			return v, nil
		case <-ctx.Done():
			return v, errLeaving
		}
	case <-ctx.Done():
		return control.View{}, errLeaving
	}
}

func (s *Supervisor) forget(a *awaiter) {
	for i, other := range s.awaiting {
		if other == a {
			s.awaiting = append(s.awaiting[:i], s.awaiting[i+1:]...)
			return
		}
	}
}

// wakeAwaiters answers those whose wait is over.
func (s *Supervisor) wakeAwaiters() {
	for _, a := range s.awaiting {
		if over, err := a.over(s.local); over {
			select {
			case a.done <- err:
			default: // answered already
			}
		}
	}
}

// over tells whether the wait ends in this role, and how.
func (a *awaiter) over(r ha.Role) (bool, error) {
	switch a.what.What {
	case control.AwaitStart:
		a.begun = a.begun || r.State != ha.Stop
		switch {
		case r.Status == ha.Ready, r == ha.Role{State: ha.Wait, Status: ha.NotReady}:
			return true, nil
		case r.State == ha.Stop:
			return true, fmt.Errorf("the module is %v", r)
		}
		return false, nil
	case control.AwaitStop:
		return r.State == ha.Stop, nil
	case control.AwaitState:
		return r.State == a.what.State && r.Stable(), nil
	default:
		return true, fmt.Errorf("unknown wait %q", a.what.What)
	}
}
