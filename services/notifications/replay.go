package notifications

import (
	"context"

	"github.com/google/uuid"
)

// Find returns the number of the notification from which a connection resumes, or NOT_FOUND if it is not the player's.
func (s *Service) Find(ctx context.Context, player, id uuid.UUID) (int64, error) {
	return s.store.Find(ctx, player, id)
}

// Since returns what came after a number, oldest first, at most limit.
func (s *Service) Since(ctx context.Context, player uuid.UUID, after int64, limit int) ([]Notification, error) {
	return s.store.Since(ctx, player, after, limit)
}

// Counts returns how many notifications the player has, and how many of these are unread.
func (s *Service) Counts(ctx context.Context, player uuid.UUID) (Counts, error) {
	return s.store.Counts(ctx, player)
}
