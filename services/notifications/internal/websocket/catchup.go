package websocket

import (
	"context"
	"log/slog"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/casino-loyalty/loyalty/internal/backoff"
	"github.com/casino-loyalty/loyalty/services/notifications"
)

// catchUpAttempts limits the reads of one catch-up. A catch-up reads again after an error, or if the page lacks an
// announced notification, because a replica of the store may lag.
const catchUpAttempts = 6

func catchUpRetry() backoff.Policy {
	return backoff.Policy{Initial: 50 * time.Millisecond, Max: 800 * time.Millisecond, Jitter: 0.2}
}

// catchUp reads one page from the store and queues its notifications. It closes the connection if the read fails.
func (s *socket) catchUp(request catchUpRequest) {
	page, err := s.readPage(request)
	var counts *notifications.Counts
	if err == nil && request.counts && len(page) < pageSize {
		counts = s.readCounts()
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != open {
		return
	}
	if err != nil {
		s.hub.repeats.Log(s.hub.ctx, s.hub.log, slog.LevelWarn, "cannot catch up a live connection, closing it",
			"user_id", s.caller.UserID, "error", err)
		s.closeLocked(codeTryAgain, "try again later")
		return
	}
	s.queue = append(s.queue, s.cursor.finishCatchUp(request, page, counts)...)
	s.wakeWriter()
}

// readPage reads the page of a request. It retries after an error, or if the page is empty although request.announced
// announces more.
func (s *socket) readPage(request catchUpRequest) ([]notifications.Notification, error) {
	delays := catchUpRetry().Delays()
	for attempt := 1; ; attempt++ {
		var page []notifications.Notification
		err := s.readStore(func(ctx context.Context) (err error) {
			page, err = s.hub.store.Since(ctx, s.caller.UserID, request.after, pageSize)
			return err
		})
		complete := err == nil && (len(page) > 0 || request.announced <= request.after)
		if complete || attempt == catchUpAttempts || !s.isOpen() {
			return page, err
		}
		if err := delays.Sleep(s.hub.ctx); err != nil {
			return nil, err
		}
	}
}

// readCounts reads the player's counts. It returns nil on failure. The next catch-up then reads the counts again.
func (s *socket) readCounts() *notifications.Counts {
	var counts *notifications.Counts
	err := s.readStore(func(ctx context.Context) error {
		c, err := s.hub.store.Counts(ctx, s.caller.UserID)
		counts = &c
		return err
	})
	if err != nil {
		return nil
	}
	return counts
}

// readStore waits for the semaphore and calls read with a timeout. It returns nil without a call if the connection is no
// longer open.
func (s *socket) readStore(read func(context.Context) error) error {
	if err := s.hub.catchUps.Acquire(s.hub.ctx, 1); err != nil {
		return err
	}
	defer s.hub.catchUps.Release(1)
	if !s.isOpen() {
		return nil
	}
	ctx, cancel := context.WithTimeout(s.hub.ctx, s.hub.config.StoreTimeout)
	defer cancel()
	return read(ctx)
}

func (s *socket) isOpen() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state == open
}

// newSemaphores returns the limits of concurrent store reads, for open connections and for handshakes. All connections
// read at about the same time after the connection to Redis or a replica is lost. The limits leave connections of the
// store's pool to the consumer and to requests. The PostgreSQL pool has 16 by default.
func newSemaphores() (catchUps, handshakes *semaphore.Weighted) {
	return semaphore.NewWeighted(6), semaphore.NewWeighted(4)
}
