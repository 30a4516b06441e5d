package notifications

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// MarkRead marks notifications of a player as read, tells all the player's connections, and returns how many are left
// unread. Ids that are not the player's are passed over; marking again changes nothing and tells nobody.
func (s *Service) MarkRead(ctx context.Context, player uuid.UUID, ids []uuid.UUID) (unread int, err error) {
	changed, err := s.store.MarkRead(ctx, player, ids)
	if err != nil {
		return 0, err
	}
	return s.marked(ctx, player, len(changed), ReadState{IDs: changed})
}

// MarkAllRead does the same for every notification that the player has.
func (s *Service) MarkAllRead(ctx context.Context, player uuid.UUID) (unread int, err error) {
	changed, err := s.store.MarkAllRead(ctx, player)
	if err != nil {
		return 0, err
	}
	return s.marked(ctx, player, changed, ReadState{All: true})
}

// tellTimeout bounds the telling of what was marked.
const tellTimeout = 5 * time.Second

// marked tells the other connections even if whoever marked has gone: a page that is left is a common reason to mark.
func (s *Service) marked(ctx context.Context, player uuid.UUID, changed int, state ReadState) (int, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tellTimeout)
	defer cancel()
	counts, err := s.store.Counts(ctx, player)
	if err != nil {
		return 0, err
	}
	if changed > 0 {
		state.Unread = counts.Unread
		s.live.Read(ctx, player, state)
	}
	return counts.Unread, nil
}
