package notifications

import (
	"context"

	"github.com/google/uuid"
)

// Find returns the sequence number of a notification, so that a connection can resume after it. It returns NOT_FOUND if
// the player has no such notification.
func (s *Service) Find(ctx context.Context, player, id uuid.UUID) (int64, error) {
	return s.store.Find(ctx, player, id)
}

// Since returns at most limit notifications with higher sequence numbers than after, oldest first.
func (s *Service) Since(ctx context.Context, player uuid.UUID, after int64, limit int) ([]Notification, error) {
	return s.store.Since(ctx, player, after, limit)
}

// Counts returns the number of the player's notifications and the number of unread ones.
func (s *Service) Counts(ctx context.Context, player uuid.UUID) (Counts, error) {
	return s.store.Counts(ctx, player)
}
