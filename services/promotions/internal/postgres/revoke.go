package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/internal/event/outbox"
	"github.com/casino-loyalty/loyalty/internal/idempotency"
	domain "github.com/casino-loyalty/loyalty/services/promotions"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/producer"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/wire"
)

// Revoke revokes assignments under the lock of the promotion's claims. It saves the answer for the request's Idempotency-Key
// only if the answer is complete.
func (s *Store) Revoke(ctx context.Context, r domain.RevokeParams) (results []domain.RevokeResult, beingPaid int, err error) {
	err = s.inLockingTx(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, lockClaims, []uuid.UUID{r.Promotion}); err != nil {
			return err
		}
		p, err := queryOne(ctx, tx, scanUsed, "SELECT "+usedColumns+" FROM promotions WHERE id = $1", r.Promotion)
		if err != nil {
			return err
		}
		revoked, err := revoke(ctx, tx, r)
		if err != nil {
			return err
		}
		if err := recordRevoked(ctx, tx, p, revoked, r); err != nil {
			return err
		}
		if results, beingPaid, err = revokeResults(ctx, tx, r); err != nil || beingPaid > 0 {
			return err
		}
		return idempotency.Save(ctx, tx, wire.FromRevokeResults(results))
	})
	if err != nil {
		return nil, 0, toAppError(err)
	}
	s.wake()
	return results, beingPaid, nil
}

// revoke revokes the assignments that are neither claimed nor reserved nor revoked, and returns them. It closes the
// reservations of the others, so that a player who claims again and again cannot hold off the revocation. When all claims of
// a closed reservation have ended, the next call revokes the assignment and deletes the reservation, before another claim
// can begin.
func revoke(ctx context.Context, tx pgx.Tx, r domain.RevokeParams) ([]domain.Assignment, error) {
	rows, err := tx.Query(ctx, `
		UPDATE player_promotions a SET revoked_at = $3
		WHERE promotion_id = $1 AND user_id = ANY ($2) AND NOT claimed AND revoked_at IS NULL
		  AND NOT EXISTS (SELECT FROM claim_reservations c WHERE c.id = a.id AND NOT (c.closed AND c.ended = c.started))
		RETURNING `+assignmentColumns, r.Promotion, r.Players, r.At)
	if err != nil {
		return nil, err
	}
	revoked, err := pgx.CollectRows(rows, scanAssignment)
	if err != nil {
		return nil, err
	}
	ids := make([]uuid.UUID, len(revoked))
	for i, a := range revoked {
		ids[i] = a.ID
	}
	batch := &pgx.Batch{}
	batch.Queue(`
		WITH gone AS (DELETE FROM claim_reservations WHERE id = ANY ($1) RETURNING user_id, promotion_id)
		DELETE FROM claim_keys k USING gone g WHERE k.user_id = g.user_id AND k.promotion_id = g.promotion_id`, ids)
	batch.Queue(`
		UPDATE claim_reservations c SET closed = true FROM player_promotions a
		WHERE a.promotion_id = $1 AND a.user_id = ANY ($2) AND c.id = a.id AND NOT a.claimed AND a.revoked_at IS NULL
		  AND NOT c.closed`, r.Promotion, r.Players)
	return revoked, tx.SendBatch(ctx, batch).Close()
}

// recordRevoked appends the notifications of revoked assignments, except for muted players, and an entry of the audit trail
// to the outbox.
func recordRevoked(ctx context.Context, tx pgx.Tx, p domain.Promotion, revoked []domain.Assignment, r domain.RevokeParams) error {
	if len(revoked) == 0 {
		return nil
	}
	p.State = p.StateAt(r.At)
	notified, err := notMuted(ctx, tx, revoked, r.At)
	if err != nil {
		return err
	}
	events, err := producer.Revoked(p, notified)
	if err != nil {
		return err
	}
	if err := outbox.Append(ctx, tx, events...); err != nil {
		return err
	}
	players := make([]uuid.UUID, len(revoked))
	for i, a := range revoked {
		players[i] = a.UserID
	}
	return recordPlayers(ctx, tx, p.ID, players)
}

// revokeResults returns the outcome for each player, and the number of assignments that are neither revoked nor claimed.
func revokeResults(ctx context.Context, tx pgx.Tx, r domain.RevokeParams) (results []domain.RevokeResult, beingPaid int, err error) {
	rows, err := tx.Query(ctx, `
		SELECT a.id IS NOT NULL, a.claimed IS TRUE, a.revoked_at IS NOT NULL
		FROM unnest($2::uuid[]) WITH ORDINALITY AS e (user_id, n)
		LEFT JOIN player_promotions a ON a.promotion_id = $1 AND a.user_id = e.user_id ORDER BY e.n`, r.Promotion, r.Players)
	if err != nil {
		return nil, 0, err
	}
	var assigned, claimed, revoked bool
	_, err = pgx.ForEachRow(rows, []any{&assigned, &claimed, &revoked}, func() error {
		result := domain.RevokeResult{Player: r.Players[len(results)], Outcome: domain.RevokeOutcomeNotAssigned}
		switch {
		case claimed:
			result.Outcome = domain.RevokeOutcomeAlreadyClaimed
		case revoked:
			result.Outcome = domain.RevokeOutcomeRevoked
		case assigned:
			beingPaid++
		}
		results = append(results, result)
		return nil
	})
	return results, beingPaid, err
}
