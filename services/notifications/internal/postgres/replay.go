package postgres

import (
	"context"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/services/notifications"
)

const sinceSQL = `SELECT ` + notificationColumns + ` FROM notifications
WHERE user_id = $1 AND seq > $2 ORDER BY seq LIMIT $3`

// Since implements notifications.Store.
func (s *Store) Since(
	ctx context.Context, player uuid.UUID, after int64, limit int,
) ([]notifications.Notification, error) {
	return s.query(ctx, "read since", sinceSQL, player, after, limit)
}

// Find implements notifications.Store.
func (s *Store) Find(ctx context.Context, player, id uuid.UUID) (int64, error) {
	var seq int64
	err := s.pool.QueryRow(ctx, `SELECT seq FROM notifications WHERE id = $1 AND user_id = $2`, id, player).Scan(&seq)
	if noRows(err) {
		return 0, apperr.New(apperr.NotFound, "notification not found")
	}
	return seq, failure("find one", err)
}

// LastSeq implements notifications.Store.
func (s *Store) LastSeq(ctx context.Context, player uuid.UUID) (int64, error) {
	var seq int64
	err := s.pool.QueryRow(ctx, `SELECT coalesce(max(seq), 0) FROM notifications WHERE user_id = $1`, player).Scan(&seq)
	return seq, failure("find last", err)
}
