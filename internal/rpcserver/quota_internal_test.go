package rpcserver

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

func TestQuota(t *testing.T) {
	t.Parallel()
	q := &quota{limit: 2}
	anna, bob := uuid.New(), uuid.New()
	at := time.Date(2026, 3, 10, 12, 45, 0, 0, time.UTC)
	take := func(caller uuid.UUID, want apperr.Code) {
		t.Helper()
		err := q.take(caller, at)
		if apperr.CodeOf(err) != want {
			t.Errorf("got %v, want %q", err, want)
		}
		var e *apperr.Error
		if errors.As(err, &e) && e.RetryAfter != 15*time.Minute {
			t.Errorf("retry after %s, want the rest of the hour", e.RetryAfter)
		}
	}
	take(anna, "")
	take(anna, "")
	take(anna, apperr.RateLimited)
	take(bob, "")
	q.refund(anna)
	take(anna, "")
	take(anna, apperr.RateLimited)
	for range 3 {
		take(uuid.Nil, "")
	}
	at = at.Add(15 * time.Minute)
	q.refund(anna) // a call that began in the last hour
	at = at.Add(45 * time.Minute)
	take(anna, "")
	take(anna, "")
	take(anna, apperr.RateLimited)
}
