package postgres

import (
	"context"
	"math"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/keyset"
	"github.com/casino-loyalty/loyalty/services/notifications"
)

const (
	listSQL = `SELECT ` + notificationColumns + ` FROM notifications
WHERE user_id = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3`

	listUnreadSQL = `SELECT ` + notificationColumns + ` FROM notifications
WHERE user_id = $1 AND seq < $2 AND NOT read ORDER BY seq DESC LIMIT $3`

	listReadSQL = `SELECT ` + notificationColumns + ` FROM notifications
WHERE user_id = $1 AND seq < $2 AND read ORDER BY seq DESC LIMIT $3`

	// The total is the last sequence number, because the numbers have no gaps and nothing is deleted. The unread count is
	// read from an index. A separate counter could become inconsistent.
	countsSQL = `SELECT
(SELECT coalesce(max(seq), 0) FROM notifications WHERE user_id = $1),
(SELECT count(*) FROM (SELECT FROM notifications WHERE user_id = $1 AND NOT read LIMIT $2) unread)`

	countReadSQL = `SELECT count(*) FROM (SELECT FROM notifications WHERE user_id = $1 AND read LIMIT $2) read`
)

// List implements notifications.Store.
func (s *Store) List(
	ctx context.Context, player uuid.UUID, read *bool, before int64, limit int,
) ([]notifications.Notification, error) {
	if before == 0 {
		before = math.MaxInt64
	}
	sql := listSQL
	switch {
	case read != nil && *read:
		sql = listReadSQL
	case read != nil:
		sql = listUnreadSQL
	}
	return s.query(ctx, "list", sql, player, before, limit)
}

// Counts implements notifications.Store.
func (s *Store) Counts(ctx context.Context, player uuid.UUID) (notifications.Counts, error) {
	var c notifications.Counts
	err := s.pool.QueryRow(ctx, countsSQL, player, keyset.MaxExactTotal+1).Scan(&c.Total, &c.Unread)
	return c, failure("count", err)
}

// CountRead implements notifications.Store.
func (s *Store) CountRead(ctx context.Context, player uuid.UUID) (n int, err error) {
	err = s.pool.QueryRow(ctx, countReadSQL, player, keyset.MaxExactTotal+1).Scan(&n)
	return n, failure("count read", err)
}
