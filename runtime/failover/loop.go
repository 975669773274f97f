package failover

import "time"

// Limit is maxloop and loop_interval of userconfig.xml.
type Limit struct {
	Max      int           // automatic actions allowed in the window; 0 refuses the first one
	Interval time.Duration // length of the window; 0 never limits
}

// Loop counts the automatic actions of a module against its limit, so that a
// failure that returns for ever ends in STOP (failover-rules.md section 10). It
// is a value: keep the one a method returns, on disk too, since the count
// outlives restarts of the daemon and of the machine. Times are wall-clock Unix
// seconds, for display; a clock that goes back never opens a new window.
type Loop struct {
	N       int   `json:"n"`       // counted actions in the window
	Init    int64 `json:"init"`    // value of heart.stopstartloop: reset, or first count after it
	Last    int64 `json:"last"`    // last counted action, 0 for none: the assignment date
	Stopped bool  `json:"stopped"` // value of heart.maxloop: the limit stopped the module
}

// Count asks to execute one more automatic action. When allowed, the action is
// counted and may go on; otherwise the module is to be stopped "by maxloop".
func (l Loop) Count(now time.Time, lim Limit) (next Loop, allowed bool) {
	t := now.Unix()
	l = l.reanchor(t)
	if l.N > 0 && lim.Interval > 0 && t-l.Init > seconds(lim.Interval) {
		l.N = 0
	}
	if lim.Interval > 0 && l.N >= lim.Max {
		l.Stopped = true
		return l, false
	}
	if l.N == 0 {
		l.Init = t
	}
	l.N++
	l.Last, l.Stopped = t, false
	return l, true
}

// reanchor brings dates of a clock that went back to the present, which keeps
// the window open and still lets it end.
func (l Loop) reanchor(t int64) Loop {
	l.Init, l.Last = min(l.Init, t), min(l.Last, t)
	return l
}

// Reset starts over: an administrator's command, or `safekit resetloop`.
func (l Loop) Reset(now time.Time) Loop { return Loop{Init: now.Unix()} }

// Check tells whether the limit is reached and the last counted action lies
// inside the window, as `safekit checkloop` asks. It counts nothing.
func (l Loop) Check(now time.Time, lim Limit) bool {
	if lim.Interval == 0 || l.N < lim.Max {
		return false
	}
	if lim.Max == 0 {
		return l.Stopped
	}
	return now.Unix()-l.Last <= seconds(lim.Interval)
}

func seconds(d time.Duration) int64 { return int64(d / time.Second) }
