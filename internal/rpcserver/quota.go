package rpcserver

import (
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

// quota limits how many answers are stored for a caller in an hour. It does not limit uuid.Nil.
type quota struct {
	limit int

	mu   sync.Mutex
	hour time.Time
	// stored are the numbers of answers in the hour by caller, with those of calls in progress.
	stored map[uuid.UUID]int
}

// take counts an answer. It returns RATE_LIMITED if the limit of the hour is reached.
func (q *quota) take(caller uuid.UUID, now time.Time) error {
	if caller == uuid.Nil {
		return nil
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if hour := now.Truncate(time.Hour); !hour.Equal(q.hour) {
		q.hour, q.stored = hour, map[uuid.UUID]int{}
	}
	if q.stored[caller] >= q.limit {
		e := apperr.New(apperr.RateLimited, "too many calls with new Idempotency-Keys in this hour")
		e.RetryAfter = q.hour.Add(time.Hour).Sub(now)
		return e
	}
	q.stored[caller]++
	return nil
}

// refund removes an answer that was counted but not stored.
func (q *quota) refund(caller uuid.UUID) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.stored[caller] > 0 {
		q.stored[caller]--
	}
}
