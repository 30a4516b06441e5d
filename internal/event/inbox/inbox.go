// Package inbox makes a handler's effect happen once for an event that is delivered more often: the event's id is
// recorded in the transaction of the effect.
//
// The table belongs to the service's schema:
//
//	create table inbox (
//	  consumer   text not null,
//	  event_id   text not null,
//	  handled_at timestamptz not null default now(),
//	  primary key (consumer, event_id)
//	);
//	create index on inbox (handled_at);
package inbox

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/casino-loyalty/loyalty/internal/postgres"
)

// pruneEvery is how often Run prunes, and pruneTimeout how long it may take each time.
const (
	pruneEvery   = time.Hour
	pruneTimeout = time.Minute
)

// pruneBatch bounds how many rows a statement of Prune deletes, and so how long it holds them.
const pruneBatch = 5000

// Begin records in tx that consumer, a consumer group, handles an event. It reports false if the event was handled
// before: then the effect exists, and there is nothing left to do. While another transaction handles the same event it
// waits for the end of that one.
func Begin(ctx context.Context, tx postgres.Execer, consumer, eventID string) (first bool, err error) {
	tag, err := tx.Exec(ctx, `insert into inbox (consumer, event_id, handled_at) values ($1, $2, now())
		on conflict (consumer, event_id) do nothing`, consumer, eventID)
	if err != nil {
		return false, fmt.Errorf("record event %s in the inbox of %s: %w", eventID, consumer, err)
	}
	return tag.RowsAffected() == 1, nil
}

// Prune forgets events that were handled more than age ago and returns how many. Age must exceed the time over which
// the bus may deliver an event again: its retention. Several may run at once.
func Prune(ctx context.Context, db postgres.Execer, age time.Duration) (deleted int64, err error) {
	for {
		tag, err := db.Exec(ctx, `delete from inbox where ctid = any(array(
			select ctid from inbox where handled_at < now() - $1::interval limit $2 for update skip locked))`, age, pruneBatch)
		if err != nil {
			return deleted, fmt.Errorf("prune the inbox: %w", err)
		}
		deleted += tag.RowsAffected()
		if tag.RowsAffected() < pruneBatch {
			return deleted, nil
		}
	}
}

// Run prunes, at first and from time to time, until ctx ends; then it returns nil. What fails is logged and left to the next
// time. Each replica of a service may run it.
func Run(ctx context.Context, db postgres.Execer, age time.Duration, log *slog.Logger) error {
	tick := time.NewTicker(pruneEvery)
	defer tick.Stop()
	for {
		if err := pruneInTime(ctx, db, age); err != nil && ctx.Err() == nil {
			log.Warn("the inbox was not pruned", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func pruneInTime(ctx context.Context, db postgres.Execer, age time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, pruneTimeout)
	defer cancel()
	_, err := Prune(ctx, db, age)
	return err
}
