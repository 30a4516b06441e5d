package postgres

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	notificationsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/notifications/v1"
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/notifications/v1/notificationsv1event"
	"github.com/casino-loyalty/loyalty/internal/convert/columns"
	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/event/outbox"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	domain "github.com/casino-loyalty/loyalty/services/promotions"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/wire"
)

// Assign holds the promotion and the players still while it assigns, so that what it checked is true when it commits.
func (s *Store) Assign(ctx context.Context, a domain.AssignParams, check func(domain.Promotion) error) ([]domain.AssignResult, error) {
	var results []domain.AssignResult
	err := postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, queueToAssign, a.Promotion); err != nil {
			return err
		}
		p, err := one(ctx, tx, scanPromotion,
			"SELECT "+promotionColumns+" FROM promotions WHERE id = $1 FOR SHARE", a.Promotion)
		if err != nil {
			return err
		}
		if err := check(p); err != nil {
			return err
		}
		outcome, active, err := known(ctx, tx, a.Players)
		if err != nil {
			return err
		}
		assigned, err := assign(ctx, tx, p, active, a.By, a.At)
		if err != nil {
			return err
		}
		for _, player := range assigned {
			outcome[player] = domain.AssignOutcomeAssigned
		}
		results = make([]domain.AssignResult, len(a.Players))
		for i, player := range a.Players {
			results[i] = domain.AssignResult{Player: player, Outcome: outcome[player]}
		}
		return nil
	})
	if err != nil {
		return nil, fail(err)
	}
	s.wake()
	return results, nil
}

// known returns the active ones of the players, and what becomes of each if nothing is assigned.
func known(ctx context.Context, tx pgx.Tx, players []uuid.UUID) (map[uuid.UUID]domain.AssignOutcome, []uuid.UUID, error) {
	rows, err := tx.Query(ctx,
		"SELECT "+playerColumns+" FROM players WHERE id = ANY($1) ORDER BY id FOR SHARE", players)
	if err != nil {
		return nil, nil, err
	}
	found, err := pgx.CollectRows(rows, scanPlayer)
	if err != nil {
		return nil, nil, err
	}
	outcome := make(map[uuid.UUID]domain.AssignOutcome, len(players))
	for _, player := range players {
		outcome[player] = domain.AssignOutcomeUnknownPlayer
	}
	var active []uuid.UUID
	for _, player := range found {
		if !player.IsActive {
			outcome[player.ID] = domain.AssignOutcomeInactivePlayer
			continue
		}
		outcome[player.ID] = domain.AssignOutcomeAlreadyAssigned
		active = append(active, player.ID)
	}
	return outcome, active, nil
}

// assign assigns p to those of the players who do not have it, leaves a notification for each in the outbox, and returns
// them. Rows are written in the order of the players' ids, so that two calls never wait for each other in a circle.
func assign(ctx context.Context, tx pgx.Tx, p domain.Promotion, players []uuid.UUID, by uuid.UUID, at time.Time) ([]uuid.UUID, error) {
	players = slices.Clone(players)
	slices.SortFunc(players, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	ids := make([]uuid.UUID, len(players))
	for i := range ids {
		id, err := uuid.NewV7()
		if err != nil {
			return nil, err
		}
		ids[i] = id
	}
	rest, values := columns.Without(assignmentColumns, assignmentValues(domain.Assignment{
		PromotionID: p.ID, Amount: p.Amount, AssignedBy: by, CreatedAt: at, Title: p.Title,
	}), "id", "user_id")
	rows, err := tx.Query(ctx, `
		INSERT INTO player_promotions (id, user_id, `+rest+`)
		SELECT n.id, n.player, `+columns.Placeholders(rest, 3)+`
		FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS n(id, player, place) ORDER BY n.place
		ON CONFLICT (user_id, promotion_id) DO NOTHING
		RETURNING user_id`,
		append([]any{ids, players}, values...)...)
	if err != nil {
		return nil, err
	}
	assigned, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, err
	}
	events := make([]event.Event, len(assigned))
	for i, player := range assigned {
		if events[i], err = assignedEvent(p, player, at); err != nil {
			return nil, err
		}
	}
	return assigned, outbox.Append(ctx, tx, events...)
}

// assignedEvent tells a player of an assigned promotion, as the promotion is now.
func assignedEvent(p domain.Promotion, player uuid.UUID, at time.Time) (event.Event, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return event.Event{}, err
	}
	return notificationsv1event.NewNotificationEvent(id, at, &notificationsv1.NotificationEvent{
		UserId:    player.String(),
		EventType: notificationsv1.NotificationEventType_PROMOTION,
		Content:   wire.FromPromotion(p),
	})
}

// one reads the only row of a query; none is pgx.ErrNoRows.
func one[T any](ctx context.Context, tx pgx.Tx, scan pgx.RowToFunc[T], sql string, args ...any) (T, error) {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		var zero T
		return zero, err
	}
	return pgx.CollectExactlyOneRow(rows, scan)
}
