package websocket

import (
	"context"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/casino-loyalty/loyalty/internal/backoff"
	"github.com/casino-loyalty/loyalty/services/notifications"
)

// catchUpAttempts is how often a catch-up reads the store for a notification that was announced. A store with replicas
// may return it only after a while.
const catchUpAttempts = 6

func catchUpRetry() backoff.Policy {
	return backoff.Policy{Initial: 50 * time.Millisecond, Max: 800 * time.Millisecond, Jitter: 0.2}
}

// catchUp reads one page from the store and queues it.
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
		s.hub.log.Warn("cannot catch up a live connection, closing it", "user_id", s.caller.UserID, "error", err)
		s.closeLocked(codeTryAgain, "try again later")
		return
	}
	s.queue = append(s.queue, s.cursor.finishCatchUp(request, page, counts)...)
	s.wakeWriter()
}

// readPage reads the page of a request. It repeats the read while the page is empty although the store should hold more.
func (s *socket) readPage(request catchUpRequest) ([]notifications.Notification, error) {
	delays := catchUpRetry().Delays()
	for attempt := 1; ; attempt++ {
		var page []notifications.Notification
		err := s.readStore(func(ctx context.Context) (err error) {
			page, err = s.hub.store.Since(ctx, s.caller.UserID, request.after, pageSize)
			return err
		})
		complete := err == nil && (len(page) > 0 || request.stored <= request.after)
		if complete || attempt == catchUpAttempts || !s.isOpen() {
			return page, err
		}
		if err := delays.Sleep(s.hub.ctx); err != nil {
			return nil, err
		}
	}
}

// readCounts reads the player's counts. It returns nil on failure; the counts are read again by a later catch-up.
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

// readStore calls read with a timeout when the semaphore admits it. It does nothing if the connection is no longer open
// by then.
func (s *socket) readStore(read func(context.Context) error) error {
	if err := s.hub.catchUps.Acquire(s.hub.ctx, 1); err != nil {
		return err
	}
	defer s.hub.catchUps.Release(1)
	if !s.isOpen() {
		return nil
	}
	ctx, cancel := context.WithTimeout(s.hub.ctx, s.hub.config.Store)
	defer cancel()
	return read(ctx)
}

func (s *socket) isOpen() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state == open
}

// newSemaphores limits how many connections read the store at the same time, open ones and new ones: after a lost
// connection to Redis, or the loss of a replica, all of them need to. Together they leave a part of the store's connection
// pool, which has 16 connections, to the consumer and to requests.
func newSemaphores() (catchUps, handshakes *semaphore.Weighted) {
	return semaphore.NewWeighted(6), semaphore.NewWeighted(4)
}
