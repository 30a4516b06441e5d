package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

const markReadSQL = `
WITH marked AS (UPDATE notifications SET read = true WHERE user_id = $1 AND id = ANY ($2) AND NOT read)
SELECT id FROM notifications WHERE user_id = $1 AND id = ANY ($2)`

// MarkRead implements notifications.Store.
func (s *Store) MarkRead(ctx context.Context, player uuid.UUID, ids []uuid.UUID) ([]uuid.UUID, error) {
	rows, err := s.pool.Query(ctx, markReadSQL, player, ids)
	if err != nil {
		return nil, failure("mark read", err)
	}
	marked, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	return marked, failure("mark read", err)
}

// MarkAllRead implements notifications.Store.
func (s *Store) MarkAllRead(ctx context.Context, player uuid.UUID, last int64) error {
	_, err := s.pool.Exec(ctx,
		`UPDATE notifications SET read = true WHERE user_id = $1 AND seq <= $2 AND NOT read`, player, last)
	return failure("mark all read", err)
}
