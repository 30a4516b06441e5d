package websocket

import (
	"context"
	"time"

	"github.com/casino-loyalty/loyalty/services/notifications"
	"github.com/casino-loyalty/loyalty/services/notifications/internal/frame"
)

// catchUp queues one page of what the store holds after the newest that was sent. The pump starts it with nothing else to
// do, so no more than a page waits for a connection besides its queue.
func (s *socket) catchUp() {
	defer s.hub.running.Done()
	s.mu.Lock()
	last, edge, recount := s.last, s.edge, s.recount
	s.recount = false // what is asked for from here on is done the next time
	s.mu.Unlock()
	page, err := s.since(last, edge)
	var counts *notifications.Counts
	if err == nil && recount && len(page) < replayPage {
		counts = s.counts()
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	s.reading = false
	switch {
	case s.closing != nil || s.gone:
		return
	case err != nil:
		s.hub.log.Warn("live connection cannot catch up", "user_id", s.caller.UserID, "error", err)
		s.endLocked(codeTryAgain, "try again later")
		return
	}
	for _, n := range page {
		s.give(n.Seq, frame.Notification(n))
	}
	switch {
	case len(page) > 0:
		s.behind = s.behind || len(page) == replayPage || s.edge > s.last
	case s.edge > edge: // told meanwhile
		s.behind = true
	default:
		s.edge = s.last
	}
	switch {
	case counts == nil:
		s.recount = s.recount || recount
	case int64(counts.Total-counts.Unread) > s.marked: // else nothing was missed
		s.readState(notifications.ReadState{Counts: *counts})
	}
	s.settle()
	s.pumpLocked()
}

// since reads what comes after last, again and again for a while if it should reach edge and nothing is there.
func (s *socket) since(last, edge int64) ([]notifications.Notification, error) {
	pause := replayPause
	for attempt := 1; ; attempt++ {
		var page []notifications.Notification
		err := s.inTurn(func(ctx context.Context) (err error) {
			page, err = s.hub.store.Since(ctx, s.caller.UserID, last, replayPage)
			return err
		})
		if err == nil && (len(page) > 0 || edge <= last) || attempt == replayAttempts || s.over() {
			return page, err
		}
		select {
		case <-s.hub.ctx.Done():
		case <-time.After(pause):
		}
		pause *= 2
	}
}

// counts asks how many notifications the player has; nil if that cannot be found out, for the next read state tells.
func (s *socket) counts() (counted *notifications.Counts) {
	err := s.inTurn(func(ctx context.Context) error {
		counts, err := s.hub.store.Counts(ctx, s.caller.UserID)
		counted = &counts
		return err
	})
	if err != nil {
		return nil
	}
	return counted
}

// inTurn reads the store when it is the socket's turn, unless the connection is over by then.
func (s *socket) inTurn(read func(context.Context) error) error {
	if err := s.hub.replays.take(s.hub.ctx); err != nil {
		return err
	}
	defer s.hub.replays.give()
	if s.over() {
		return nil
	}
	ctx, cancel := context.WithTimeout(s.hub.ctx, s.hub.config.Store)
	defer cancel()
	return read(ctx)
}

// over reports whether what the store holds can reach nobody any more.
func (s *socket) over() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closing != nil || s.gone
}
