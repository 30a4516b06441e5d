package notifications

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// MarkRead marks notifications of a player as read, sends the read state to all the player's connections, and returns the
// number of unread notifications. It ignores ids that are not the player's. It sends the read state also if all were read
// before, because an earlier call may have stopped before it sent it.
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

// MarkAllRead does the same for all notifications that the player has at the beginning of the call. Later ones stay
// unread.
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

// pushTimeout limits the push of a read state.
const pushTimeout = 5 * time.Second

// pushContext returns a context that survives the end of the request, so that the read state is pushed although the client
// has gone: clients often mark notifications when a page is closed.
func pushContext(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), pushTimeout)
}
