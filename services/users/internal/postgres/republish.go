package postgres

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/internal/convert/columns"
	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/event/outbox"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	"github.com/casino-loyalty/loyalty/services/users"
	"github.com/casino-loyalty/loyalty/services/users/internal/producer"
)

// republishBatch is the maximum number of rows of one transaction of Republish.
const republishBatch = 500

// Republish appends the events of lost to the outbox again, and returns their number. It omits registrations and
// transactions whose events are still in the outbox. Consumers skip an event that they have handled, because the event has
// the same id or the same status version.
func (s *Store) Republish(ctx context.Context, lost users.LostEvents) (int, error) {
	total := 0
	for _, part := range []struct {
		ids    []uuid.UUID
		events func(ctx context.Context, tx pgx.Tx, ids []uuid.UUID) ([]event.Event, error)
	}{
		{lost.Registrations, registrationEvents}, {lost.Statuses, statusEvents}, {lost.Transactions, transactionEvents},
	} {
		for ids := range slices.Chunk(part.ids, republishBatch) {
			var events []event.Event
			err := postgres.InTx(ctx, s.pool, func(tx pgx.Tx) (err error) {
				if events, err = part.events(ctx, tx, ids); err != nil {
					return err
				}
				return outbox.Append(ctx, tx, events...)
			})
			if err != nil {
				return total, toAppError(err)
			}
			total += len(events)
		}
	}
	s.wake()
	return total, nil
}

// registrationEvents returns the registrations of players, each followed by the status of the player if it has changed.
func registrationEvents(ctx context.Context, tx pgx.Tx, ids []uuid.UUID) ([]event.Event, error) {
	players, now, err := lockPlayers(ctx, tx, ids, "NOT EXISTS (SELECT FROM outbox o WHERE o.event_id = u.id)")
	if err != nil {
		return nil, err
	}
	restrictions, err := restrictionsOf(ctx, tx, ids)
	if err != nil {
		return nil, err
	}
	var all []event.Event
	for _, u := range players {
		events, err := producer.Registered(u)
		if err != nil {
			return nil, err
		}
		all = append(all, events...)
		if u.StatusVersion == 0 {
			continue
		}
		if events, err = producer.StatusChanged(u, restrictions[u.ID], now); err != nil {
			return nil, err
		}
		all = append(all, events...)
	}
	return all, nil
}

// statusEvents returns the current status of players, with their restrictions.
func statusEvents(ctx context.Context, tx pgx.Tx, ids []uuid.UUID) ([]event.Event, error) {
	players, now, err := lockPlayers(ctx, tx, ids, "status_version > 0")
	if err != nil {
		return nil, err
	}
	restrictions, err := restrictionsOf(ctx, tx, ids)
	if err != nil {
		return nil, err
	}
	var all []event.Event
	for _, u := range players {
		events, err := producer.StatusChanged(u, restrictions[u.ID], now)
		if err != nil {
			return nil, err
		}
		all = append(all, events...)
	}
	return all, nil
}

// lockPlayers locks the users with the given ids that fulfil the condition, so that their events stay in order. It returns
// their roles and statuses, and the time of the server.
func lockPlayers(ctx context.Context, tx pgx.Tx, ids []uuid.UUID, condition string) (players []users.User, now time.Time, err error) {
	rows, err := tx.Query(ctx, `SELECT id, role, is_active, status_version, created_at, now() FROM users u
		WHERE id = ANY($1) AND `+condition+` ORDER BY id FOR UPDATE`, ids)
	if err != nil {
		return nil, now, err
	}
	players, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (u users.User, err error) {
		err = row.Scan(&u.ID, &u.Role, &u.IsActive, &u.StatusVersion, (*columns.Time)(&u.CreatedAt), (*columns.Time)(&now))
		return u, err
	})
	return players, now, err
}

func transactionEvents(ctx context.Context, tx pgx.Tx, ids []uuid.UUID) ([]event.Event, error) {
	rows, err := tx.Query(ctx, `SELECT `+transactionColumns+` FROM transactions t
		WHERE id = ANY($1) AND NOT EXISTS (SELECT FROM outbox o WHERE o.event_id = t.id) ORDER BY user_id, seq`, ids)
	if err != nil {
		return nil, err
	}
	transactions, err := pgx.CollectRows(rows, scanTransaction)
	if err != nil {
		return nil, err
	}
	events := make([]event.Event, len(transactions))
	for i, t := range transactions {
		if events[i], err = producer.TransactionAdded(t); err != nil {
			return nil, err
		}
	}
	return events, nil
}
