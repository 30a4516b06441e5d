package notifications

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// MarkRead marks notifications of a player as read, sends the read state to all the player's connections, and returns the
// number of unread notifications. It ignores ids of notifications that the player does not have. It is idempotent. It
// sends the read state even if the notifications were read before, because an earlier call may have failed before the
// send.
func (s *Service) MarkRead(ctx context.Context, player uuid.UUID, ids []uuid.UUID) (unread int, err error) {
	marked, err := s.store.MarkRead(ctx, player, ids)
	if err != nil {
		return 0, err
	}
	ctx, cancel := pushContext(ctx)
	defer cancel()
	counts, err := s.store.Counts(ctx, player)
	if err != nil {
		return 0, err
	}
	if len(marked) > 0 {
		s.live.Read(ctx, player, ReadState{IDs: marked, Counts: counts})
	}
	return counts.Unread, nil
}

// MarkAllRead marks all notifications that the player has at the start of the call as read, and sends the read state to
// all the player's connections. Later notifications stay unread. It returns the number of unread notifications.
func (s *Service) MarkAllRead(ctx context.Context, player uuid.UUID) (unread int, err error) {
	last, err := s.store.LastSeq(ctx, player)
	if err != nil {
		return 0, err
	}
	if err := s.store.MarkAllRead(ctx, player, last); err != nil {
		return 0, err
	}
	ctx, cancel := pushContext(ctx)
	defer cancel()
	s.live.Read(ctx, player, ReadState{All: true, Counts: Counts{Total: int(last)}})
	counts, err := s.store.Counts(ctx, player)
	return counts.Unread, err
}

// pushTimeout limits the time to read the counts and to push a read state.
const pushTimeout = 5 * time.Second

// pushContext returns a context that outlives the request. Clients often mark notifications when a page is closed, so the
// read state is pushed even if the client has disconnected.
func pushContext(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), pushTimeout)
}
