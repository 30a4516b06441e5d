package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	ent "github.com/casino-loyalty/loyalty/ent/users"
	"github.com/casino-loyalty/loyalty/ent/users/restriction"
	"github.com/casino-loyalty/loyalty/internal/convert/fields"
	"github.com/casino-loyalty/loyalty/services/users"
)

// Restrictions returns the restrictions of a user that were neither lifted nor replaced, oldest first. The error is
// NOT_FOUND if no user has the id.
func (s *Store) Restrictions(ctx context.Context, id uuid.UUID) ([]users.Restriction, error) {
	var known bool
	var open []users.Restriction
	batch := &pgx.Batch{}
	batch.Queue("SELECT true FROM users WHERE id = $1", id).QueryRow(func(row pgx.Row) error { return row.Scan(&known) })
	batch.Queue(`SELECT `+restrictionColumns+` FROM restrictions
		WHERE user_id = $1 AND ended_at IS NULL ORDER BY created_at, id`, id).Query(func(rows pgx.Rows) (err error) {
		open, err = pgx.CollectRows(rows, scanRestriction)
		return err
	})
	return open, toAppError(s.pool.SendBatch(ctx, batch).Close())
}

// openRestrictions does the same as [Store.Restrictions], in a transaction that has locked the user.
func openRestrictions(ctx context.Context, tx *ent.Tx, user uuid.UUID) ([]users.Restriction, error) {
	rows, err := tx.Restriction.Query().Where(restriction.UserID(user), restriction.EndedAtIsNil()).
		Order(restriction.ByCreatedAt(), restriction.ByID()).All(ctx)
	return fields.Slice(rows, restrictionFromRow), err
}

// restrictionsOf returns the restrictions of several users that were neither lifted nor replaced, by user.
func restrictionsOf(ctx context.Context, tx pgx.Tx, ids []uuid.UUID) (map[uuid.UUID][]users.Restriction, error) {
	rows, err := tx.Query(ctx, `SELECT `+restrictionColumns+` FROM restrictions
		WHERE user_id = ANY($1) AND ended_at IS NULL ORDER BY user_id, created_at, id`, ids)
	if err != nil {
		return nil, err
	}
	all, err := pgx.CollectRows(rows, scanRestriction)
	byUser := map[uuid.UUID][]users.Restriction{}
	for _, r := range all {
		byUser[r.UserID] = append(byUser[r.UserID], r)
	}
	return byUser, err
}
