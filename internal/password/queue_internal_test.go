package password

import (
	"context"
	"errors"
	"testing"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

// enter adds a hash to the queues, which must wait.
func (q *queue) mustWait(t *testing.T, p Purpose, name string) chan struct{} {
	t.Helper()
	ready, err := q.enter(place{p, name})
	if err != nil || ready == nil {
		t.Fatalf("a hash of %s did not wait: %v", name, err)
	}
	return ready
}

func isReady(ready chan struct{}) bool {
	select {
	case <-ready:
		return true
	default:
		return false
	}
}

// TestPurposesAndClientsTakeTurns checks that many waiting registrations of one client delay neither a login nor another
// client.
func TestPurposesAndClientsTakeTurns(t *testing.T) {
	q := &queue{cores: 1}
	first := q.mustWait(t, Registration, "flood")
	for range 20 {
		q.mustWait(t, Registration, "flood")
	}
	other := q.mustWait(t, Registration, "other")
	login := q.mustWait(t, Login, "flood")
	for i, want := range []chan struct{}{login, first, other} {
		if q.release(); !isReady(want) {
			t.Fatalf("release %d gave the core to another hash", i+1)
		}
	}
}

func TestWaitingIsLimited(t *testing.T) {
	q := &queue{cores: 1}
	for range waitingPerClient {
		q.mustWait(t, Registration, "flood")
	}
	if _, err := q.enter(place{Registration, "flood"}); apperr.CodeOf(err) != apperr.RateLimited {
		t.Errorf("one more hash of the client: %v, want RATE_LIMITED", err)
	}
	for i := range waitingPerCore - waitingPerClient {
		q.mustWait(t, Registration, string(rune('A'+i)))
	}
	if _, err := q.enter(place{Registration, "other"}); apperr.CodeOf(err) != apperr.RateLimited {
		t.Errorf("one more registration: %v, want RATE_LIMITED", err)
	}
	q.mustWait(t, Login, "flood")
}

// TestLeaveReturnsTheCore checks that a hash that stops waiting while it gets a core passes the core on.
func TestLeaveReturnsTheCore(t *testing.T) {
	q := &queue{cores: 1}
	at := place{Login, "a"}
	left, next := q.mustWait(t, Login, "a"), q.mustWait(t, Login, "b")
	q.release()
	if q.leave(at, left); !isReady(next) {
		t.Error("the core was lost")
	}
	q.release()
	last := q.mustWaitAfterTaking(t)
	q.leave(at, last)
	q.release()
	if running, waiting := q.load(); running != 0 || waiting != 0 {
		t.Errorf("%d hashes run and %d wait, want none", running, waiting)
	}
}

// mustWaitAfterTaking takes the free core and adds a hash that waits.
func (q *queue) mustWaitAfterTaking(t *testing.T) chan struct{} {
	t.Helper()
	if ready, err := q.enter(place{Login, "c"}); ready != nil || err != nil {
		t.Fatalf("the free core was not taken: %v", err)
	}
	return q.mustWait(t, Login, "a")
}

func TestAcquireEndsWithItsContext(t *testing.T) {
	q := &queue{cores: 1}
	ctx, cancel := context.WithCancel(WithQueue(t.Context(), Login, "a"))
	cancel()
	if err := q.acquire(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("acquire returned %v, want context.Canceled", err)
	}
	if _, waiting := q.load(); waiting != 0 {
		t.Errorf("%d hashes wait, want none", waiting)
	}
}
