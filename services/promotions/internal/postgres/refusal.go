package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/internal/date"
	domain "github.com/casino-loyalty/loyalty/services/promotions"
)

// RecordRefusal records a refusal.
func (s *Store) RecordRefusal(ctx context.Context, r domain.Refusal) error {
	batch := &pgx.Batch{}
	if err := queueRefusals(batch, []domain.Refusal{r}); err != nil {
		return err
	}
	return toAppError(s.pool.SendBatch(ctx, batch).Close())
}

// refusePlayers records that an action was refused to players because of their restrictions.
func refusePlayers(
	ctx context.Context, tx pgx.Tx, action domain.RefusalAction, promotion uuid.UUID, players []uuid.UUID, at time.Time,
) error {
	refusals := make([]domain.Refusal, len(players))
	for i, player := range players {
		refusals[i] = domain.Refusal{UserID: player, PromotionID: promotion, Action: action, CreatedAt: at}
	}
	batch := &pgx.Batch{}
	if err := queueRefusals(batch, refusals); err != nil {
		return err
	}
	return tx.SendBatch(ctx, batch).Close()
}

// refusalsSQL inserts refusals, except those of which the day has already $7 of the same kind. The ids contain their time,
// so the index over the player's ids finds the refusals of the day. Concurrent transactions may exceed the number.
const refusalsSQL = `
	INSERT INTO refusals (id, user_id, promotion_id, action, created_at)
	SELECT e.id, e.user_id, e.promotion_id, e.action, e.created_at
	FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::timestamptz[], $6::uuid[])
	  AS e (id, user_id, promotion_id, action, created_at, since)
	WHERE (SELECT count(*) FROM (
	    SELECT FROM refusals r WHERE r.user_id = e.user_id AND r.id >= e.since AND r.promotion_id = e.promotion_id
	      AND r.action = e.action LIMIT $7) r) < $7`

// queueRefusals queues a statement that records refusals. It queues nothing without refusals.
func queueRefusals(batch *pgx.Batch, refusals []domain.Refusal) error {
	if len(refusals) == 0 {
		return nil
	}
	var ids, users, promotions, since []uuid.UUID
	var actions []string
	var at []time.Time
	for _, r := range refusals {
		id, err := uuid.NewV7()
		if err != nil {
			return err
		}
		day, err := uuid.Parse(firstID(date.Of(r.CreatedAt).Time()) + "-0000-0000-000000000000")
		if err != nil {
			return err
		}
		ids, since = append(ids, id), append(since, day)
		users, promotions = append(users, r.UserID), append(promotions, r.PromotionID)
		actions, at = append(actions, string(r.Action)), append(at, r.CreatedAt)
	}
	batch.Queue(refusalsSQL, ids, users, promotions, actions, at, since, domain.MaxRefusals)
	return nil
}
