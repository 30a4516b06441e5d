package postgres

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/event/outbox"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	domain "github.com/casino-loyalty/loyalty/services/promotions"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/producer"
)

// republishBatch is the maximum number of rows of one transaction of Republish.
const republishBatch = 500

// Republish appends the notification events of assignments to the outbox again, and returns their number. It omits an event
// that is still in the outbox. It records that players whom a restriction mutes now are not notified. The content of a
// notification is the promotion as it is now. Notifications stores an event once, because the event has the same id.
func (s *Store) Republish(ctx context.Context, assignments []uuid.UUID) (int, error) {
	total := 0
	for ids := range slices.Chunk(assignments, republishBatch) {
		var events []event.Event
		err := postgres.InTx(ctx, s.pool, func(tx pgx.Tx) (err error) {
			if events, err = assignedEvents(ctx, tx, ids, time.Now()); err != nil {
				return err
			}
			return outbox.Append(ctx, tx, events...)
		})
		if err != nil {
			return total, toAppError(err)
		}
		total += len(events)
	}
	s.wake()
	return total, nil
}

// assignedEvents returns the notification events of assignments, except of those that are muted.
func assignedEvents(ctx context.Context, tx pgx.Tx, ids []uuid.UUID, now time.Time) ([]event.Event, error) {
	_, err := tx.Exec(ctx, `UPDATE player_promotions a SET times_muted = times_assigned FROM players p
		WHERE a.id = ANY ($1) AND p.id = a.user_id AND NOT EXISTS (SELECT FROM outbox o WHERE o.event_id = a.id)
		  AND `+mutedSQL("p", "$2"), ids, now)
	if err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, `SELECT `+assignmentColumns+` FROM player_promotions a
		WHERE id = ANY($1) AND times_muted < times_assigned
		  AND NOT EXISTS (SELECT FROM outbox o WHERE o.event_id = a.id) ORDER BY id`, ids)
	if err != nil {
		return nil, err
	}
	byPromotion := map[uuid.UUID][]domain.Assignment{}
	items, err := pgx.CollectRows(rows, scanAssignment)
	if err != nil {
		return nil, err
	}
	for _, a := range items {
		byPromotion[a.PromotionID] = append(byPromotion[a.PromotionID], a)
	}
	rows, err = tx.Query(ctx, `SELECT `+promotionColumns+` FROM promotions
		WHERE id IN (SELECT promotion_id FROM player_promotions WHERE id = ANY($1)) ORDER BY id`, ids)
	if err != nil {
		return nil, err
	}
	promotions, err := pgx.CollectRows(rows, scanPromotion)
	if err != nil {
		return nil, err
	}
	var all []event.Event
	for _, p := range promotions {
		events, err := producer.Assigned(p, byPromotion[p.ID])
		if err != nil {
			return nil, err
		}
		all = append(all, events...)
	}
	return all, nil
}
