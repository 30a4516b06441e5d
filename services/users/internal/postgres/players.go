package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/services/users"
)

// Players returns the ids and statuses of at most limit players after an id, in the order of their ids. It also returns
// their restrictions that were neither lifted nor replaced, by player. All of them are of one snapshot.
func (s *Store) Players(
	ctx context.Context, after uuid.UUID, limit int,
) (players []users.User, restrictions map[uuid.UUID][]users.Restriction, err error) {
	read := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err = pgx.BeginTxFunc(ctx, s.pool, read, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT id, is_active, status_version FROM users
			WHERE role = 'PLAYER' AND id > $1 ORDER BY id LIMIT $2`, after, limit)
		if err != nil {
			return err
		}
		players, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (u users.User, err error) {
			err = row.Scan(&u.ID, &u.IsActive, &u.StatusVersion)
			return u, err
		})
		if err != nil {
			return err
		}
		ids := make([]uuid.UUID, len(players))
		for i, u := range players {
			ids[i] = u.ID
		}
		restrictions, err = restrictionsOf(ctx, tx, ids)
		return err
	})
	return players, restrictions, toAppError(err)
}
