package logs

import (
	"sync"
	"time"
)

// Throttle limits the number of log lines per second, for lines that clients can cause. Its methods are safe for concurrent
// use.
type Throttle struct {
	perSecond int
	now       func() time.Time

	mu    sync.Mutex
	kinds map[string]*second
}

// second counts the lines of one kind in a second.
type second struct {
	start             time.Time
	lines, suppressed int
}

// NewThrottle returns a Throttle that allows a number of lines of each kind per second. Production code passes time.Now as
// now.
func NewThrottle(perSecond int, now func() time.Time) *Throttle {
	return &Throttle{perSecond: perSecond, now: now, kinds: map[string]*second{}}
}

// Allow reports whether a line of a kind may be written. The kind must be one of a small number of texts. If the line may be
// written, suppressed is the number of lines of the kind that were not written since the last one.
func (t *Throttle) Allow(kind string) (suppressed int, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	s := t.kinds[kind]
	if s == nil {
		s = &second{start: now}
		t.kinds[kind] = s
	}
	if age := now.Sub(s.start); age >= time.Second || age < 0 { // the clock may go back
		s.start, s.lines = now, 0
	}
	if s.lines >= t.perSecond {
		s.suppressed++
		return 0, false
	}
	s.lines++
	suppressed, s.suppressed = s.suppressed, 0
	return suppressed, true
}
