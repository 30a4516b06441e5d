package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/services/users"
)

// Players returns the ids and statuses of at most limit players after an id, in the order of their ids.
func (s *Store) Players(ctx context.Context, after uuid.UUID, limit int) ([]users.User, error) {
	rows, err := s.pool.Query(ctx, `SELECT id, is_active, status_version FROM users
		WHERE role = 'PLAYER' AND id > $1 ORDER BY id LIMIT $2`, after, limit)
	if err != nil {
		return nil, toAppError(err)
	}
	players, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (u users.User, err error) {
		err = row.Scan(&u.ID, &u.IsActive, &u.StatusVersion)
		return u, err
	})
	return players, toAppError(err)
}
