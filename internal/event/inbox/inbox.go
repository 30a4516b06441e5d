// Package inbox deduplicates events, so that an event that is delivered several times has its effect once. The transaction
// that applies the effect also records the event's ID.
//
// The database of the service must contain this table. It may have more columns.
//
//	create table inbox (
//	  consumer   text not null,
//	  event_id   text not null,
//	  handled_at timestamptz not null,
//	  unique (consumer, event_id)
//	);
//	create index on inbox (handled_at);
package inbox

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/casino-loyalty/loyalty/internal/backoff"
	"github.com/casino-loyalty/loyalty/internal/postgres"
)

const (
	// pruneInterval is how often Run prunes the inbox.
	pruneInterval = time.Hour
	// pruneTimeout limits one call of Prune by Run.
	pruneTimeout = time.Minute
	// pruneBatch is the maximum number of rows that one statement of Prune deletes. It limits how long the rows are locked.
	pruneBatch = 5000
)

// Begin records in tx that a consumer group handles an event. It returns false if the group has already handled the event;
// the caller must then skip the effect. It waits for a concurrent transaction that handles the same event.
func Begin(ctx context.Context, tx postgres.Execer, consumer, eventID string) (first bool, err error) {
	tag, err := tx.Exec(ctx, `insert into inbox (consumer, event_id, handled_at) values ($1, $2, now())
		on conflict (consumer, event_id) do nothing`, consumer, eventID)
	if err != nil {
		return false, fmt.Errorf("record event %s in the inbox of %s: %w", eventID, consumer, err)
	}
	return tag.RowsAffected() == 1, nil
}

// Prune deletes events that were handled more than age ago and returns their number. The age must exceed the retention of
// the bus, because the bus can redeliver an event during that time. Prune may run concurrently.
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

// Run prunes the inbox immediately and then every hour until ctx ends. It logs errors and always returns nil. Every
// replica of a service may run it.
func Run(ctx context.Context, db postgres.Execer, age time.Duration, log *slog.Logger) error {
	return backoff.Every(ctx, pruneInterval, pruneTimeout,
		func(ctx context.Context) error {
			_, err := Prune(ctx, db, age)
			return err
		},
		func(err error) { log.Warn("pruning the inbox failed", "error", err) })
}
