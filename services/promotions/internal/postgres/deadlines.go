package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/event/outbox"
	domain "github.com/casino-loyalty/loyalty/services/promotions"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/producer"
)

// postponement is how long the expiry of an assignment waits for a claim that is being paid.
const postponement = 5 * time.Second

// HandleDeadlines handles deadlines in one transaction. It holds the locks of the claims of their promotions, so that no
// claim is reserved between a decision and the commit. It skips deadlines that another replica is handling.
func (s *Store) HandleDeadlines(ctx context.Context, now time.Time, limit int) (n int, err error) {
	err = s.inLockingTx(ctx, func(tx pgx.Tx) error {
		ids, err := lockDeadlines(ctx, tx, now, limit)
		if n = len(ids); err != nil || n == 0 {
			return err
		}
		if err := remind(ctx, tx, ids, now); err != nil {
			return err
		}
		return expire(ctx, tx, ids, now)
	})
	if err != nil {
		return 0, toAppError(err)
	}
	if n > 0 {
		s.wake()
	}
	return n, nil
}

// lockDeadlines locks deadlines that are due, and the claims of their promotions, and returns the assignments. It locks the
// claims before the deadlines, as reassign does.
func lockDeadlines(ctx context.Context, tx pgx.Tx, now time.Time, limit int) ([]uuid.UUID, error) {
	rows, err := tx.Query(ctx, `
		SELECT d.id, a.promotion_id FROM assignment_deadlines d JOIN player_promotions a ON a.id = d.id
		WHERE d.due_at <= $1 ORDER BY d.due_at LIMIT $2`, now, limit)
	if err != nil {
		return nil, err
	}
	var due, promotions []uuid.UUID
	var id, promotion uuid.UUID
	if _, err := pgx.ForEachRow(rows, []any{&id, &promotion}, func() error {
		due, promotions = append(due, id), append(promotions, promotion)
		return nil
	}); err != nil || len(due) == 0 {
		return nil, err
	}
	if _, err := tx.Exec(ctx, lockClaims, sortedIDs(promotions)); err != nil {
		return nil, err
	}
	rows, err = tx.Query(ctx, `
		SELECT id FROM assignment_deadlines WHERE id = ANY ($1) AND due_at <= $2
		FOR UPDATE SKIP LOCKED`, due, now)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
}

// remind notifies the players whose reminder is due, and sets the expiry as the next deadline. It does not notify players if
// the assignment is claimed or revoked, or if they are muted.
func remind(ctx context.Context, tx pgx.Tx, ids []uuid.UUID, now time.Time) error {
	rows, err := tx.Query(ctx, `
		WITH due AS (
		  UPDATE assignment_deadlines d SET action = 'EXPIRE', due_at = a.expires_at FROM player_promotions a
		  WHERE d.id = ANY ($1) AND d.action = 'REMIND' AND a.id = d.id RETURNING a.id
		)
		SELECT `+assignmentColumns+` FROM player_promotions
		WHERE id IN (SELECT id FROM due) AND NOT claimed AND revoked_at IS NULL AND expires_at > $2`, ids, now)
	if err != nil {
		return err
	}
	assignments, err := pgx.CollectRows(rows, scanAssignment)
	if err != nil || len(assignments) == 0 {
		return err
	}
	if assignments, err = notMuted(ctx, tx, assignments, now); err != nil {
		return err
	}
	promotions, err := promotionsOf(ctx, tx, assignments)
	if err != nil {
		return err
	}
	var events []event.Event
	for _, a := range assignments {
		p := promotions[a.PromotionID]
		p.State = p.StateAt(now)
		e, err := producer.Expiring(*p, a, now)
		if err != nil {
			return err
		}
		events = append(events, e)
	}
	return outbox.Append(ctx, tx, events...)
}

// promotionsOf returns the promotions of assignments, with their usage.
func promotionsOf(ctx context.Context, tx pgx.Tx, assignments []domain.Assignment) (map[uuid.UUID]*domain.Promotion, error) {
	ids := make([]uuid.UUID, len(assignments))
	for i, a := range assignments {
		ids[i] = a.PromotionID
	}
	rows, err := tx.Query(ctx, "SELECT "+usedColumns+" FROM promotions WHERE id = ANY ($1)", sortedIDs(ids))
	if err != nil {
		return nil, err
	}
	found, err := pgx.CollectRows(rows, scanUsed)
	byID := map[uuid.UUID]*domain.Promotion{}
	for i := range found {
		byID[found[i].ID] = &found[i]
	}
	return byID, err
}

// expire records the expiry of assignments whose time is over, and deletes the deadlines that have no next action. It
// postpones the expiry of assignments that are reserved for a claim.
func expire(ctx context.Context, tx pgx.Tx, ids []uuid.UUID, now time.Time) error {
	batch := &pgx.Batch{}
	batch.Queue(`
		UPDATE assignment_deadlines d SET due_at = $2 WHERE id = ANY ($1) AND action = 'EXPIRE' AND due_at <= $3
		  AND EXISTS (SELECT FROM claim_reservations r WHERE r.id = d.id)`,
		ids, now.Add(postponement), now)
	batch.Queue(`
		UPDATE player_promotions a SET expired_at = expires_at FROM assignment_deadlines d
		WHERE a.id = ANY ($1) AND d.id = a.id AND d.action = 'EXPIRE' AND d.due_at <= $2
		  AND NOT claimed AND revoked_at IS NULL AND expired_at IS NULL AND expires_at <= $2`, ids, now)
	batch.Queue("DELETE FROM assignment_deadlines WHERE id = ANY ($1) AND action = 'EXPIRE' AND due_at <= $2", ids, now)
	return tx.SendBatch(ctx, batch).Close()
}
