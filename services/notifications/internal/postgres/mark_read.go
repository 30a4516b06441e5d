package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// MarkRead implements notifications.Store.
func (s *Store) MarkRead(ctx context.Context, player uuid.UUID, ids []uuid.UUID) ([]uuid.UUID, error) {
	rows, err := s.pool.Query(ctx,
		`UPDATE notifications SET read = true WHERE user_id = $1 AND id = ANY ($2) AND NOT read RETURNING id`, player, ids)
	if err != nil {
		return nil, failure("mark read", err)
	}
	changed, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	return changed, failure("mark read", err)
}

// MarkAllRead implements notifications.Store.
func (s *Store) MarkAllRead(ctx context.Context, player uuid.UUID) (int, error) {
	tag, err := s.pool.Exec(ctx, `UPDATE notifications SET read = true WHERE user_id = $1 AND NOT read`, player)
	return int(tag.RowsAffected()), failure("mark all read", err)
}
