package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/internal/convert/columns"
	domain "github.com/casino-loyalty/loyalty/services/promotions"
)

// SetPlayerStatus stores the player's status if its version is greater than the stored version, and the restrictions if
// theirs is. It compares versions instead of times, because times depend on clocks. It inserts the player if the
// registration event has not arrived. Its lock of the player waits for assignments that have read the old status.
func (s *Store) SetPlayerStatus(ctx context.Context, eventID string, p domain.Player, restrictions []domain.PlayerRestriction) error {
	return toAppError(s.processOnce(ctx, eventID, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `
			INSERT INTO players AS p (id, is_active, created_at, updated_at, status_version) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (id) DO UPDATE SET is_active = excluded.is_active, updated_at = excluded.updated_at,
				status_version = excluded.status_version
			WHERE p.status_version < excluded.status_version`,
			p.ID, p.IsActive, p.CreatedAt, p.UpdatedAt, p.StatusVersion)
		if err != nil {
			return err
		}
		newer := setRestrictionsSQL + " AND p.restrictions_version < u.version"
		tag, err := tx.Exec(ctx, newer, restrictionArgs([]domain.Player{p})...)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		return replaceRestrictions(ctx, tx, []uuid.UUID{p.ID}, restrictions)
	}))
}

// setRestrictionsSQL changes what the rows of players say about their restrictions. A further condition on p and u can be
// appended.
const setRestrictionsSQL = `
	UPDATE players p SET restrictions_version = u.version, promotions_refused_until = u.refused_until,
	  promotions_muted_until = u.muted_until
	FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[]) AS u (id, version, refused_until, muted_until)
	WHERE p.id = u.id`

// restrictionArgs returns the arguments of setRestrictionsSQL.
func restrictionArgs(players []domain.Player) []any {
	ids, versions := make([]uuid.UUID, len(players)), make([]int64, len(players))
	refused, muted := make([]int64, len(players)), make([]int64, len(players))
	for i, p := range players {
		ids[i], versions[i] = p.ID, p.RestrictionsVersion
		refused[i], muted[i] = p.PromotionsRefusedUntil, p.PromotionsMutedUntil
	}
	return []any{ids, versions, refused, muted}
}

// replaceRestrictions replaces the restrictions of players. The caller has locked their rows.
func replaceRestrictions(ctx context.Context, tx pgx.Tx, players []uuid.UUID, restrictions []domain.PlayerRestriction) error {
	batch := &pgx.Batch{}
	batch.Queue("DELETE FROM player_restrictions WHERE user_id = ANY ($1)", players)
	for _, r := range restrictions {
		id, err := uuid.NewV7()
		if err != nil {
			return err
		}
		r.ID = id
		batch.Queue(`INSERT INTO player_restrictions (`+playerRestrictionColumns+`)
			VALUES (`+columns.Placeholders(playerRestrictionColumns, 1)+`)`, playerRestrictionValues(r)...)
	}
	return tx.SendBatch(ctx, batch).Close()
}
