package notifications

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// MarkRead marks notifications of a player as read, tells all the player's connections, and returns how many are left
// unread. Ids that are not the player's are passed over. Marking again tells again, for who repeats a call does not know
// how far the first one came.
func (s *Service) MarkRead(ctx context.Context, player uuid.UUID, ids []uuid.UUID) (unread int, err error) {
	marked, err := s.store.MarkRead(ctx, player, ids)
	if err != nil {
		return 0, err
	}
	ctx, cancel := telling(ctx)
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

// MarkAllRead does the same for every notification that the player has when it begins. One that comes meanwhile stays
// unread, and the connections are told of which the mark is.
func (s *Service) MarkAllRead(ctx context.Context, player uuid.UUID) (unread int, err error) {
	last, err := s.store.LastSeq(ctx, player)
	if err != nil {
		return 0, err
	}
	if err := s.store.MarkAllRead(ctx, player, last); err != nil {
		return 0, err
	}
	ctx, cancel := telling(ctx)
	defer cancel()
	s.live.Read(ctx, player, ReadState{All: true, Counts: Counts{Total: int(last)}})
	counts, err := s.store.Counts(ctx, player)
	return counts.Unread, err
}

// tellTimeout bounds the telling of what was marked.
const tellTimeout = 5 * time.Second

// telling lets the other connections be told even if whoever marked has gone: a page that is left is a common reason to
// mark.
func telling(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), tellTimeout)
}
