package postgres

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/casino-loyalty/loyalty/internal/backoff"
	domain "github.com/casino-loyalty/loyalty/services/promotions"
)

const (
	// pruneInterval is how often RunPruning prunes.
	pruneInterval = time.Hour
	// pruneTimeout limits one call of Prune by RunPruning.
	pruneTimeout = time.Minute
	// pruneBatch is the maximum number of rows that one statement of Prune deletes. It limits how long the rows are
	// locked.
	pruneBatch = 5000
)

// Prune deletes the events and windows that no rule needs any more. It may run concurrently.
func (s *Store) Prune(ctx context.Context, rules domain.AnomalyRules, now time.Time) error {
	const windows = `DELETE FROM anomaly_windows WHERE ctid = ANY(ARRAY(
		SELECT ctid FROM anomaly_windows WHERE scope = $1 AND start < $2 LIMIT $3 FOR UPDATE SKIP LOCKED))`
	players, promotions := now.Add(-rules.KeepPlayers()), now.Add(-rules.KeepPromotions())
	events := now.Add(-rules.KeepEvents())
	return cmp.Or(
		s.deleteAll(ctx, windows, domain.AnomalyScopePlayerEntries, players),
		s.deleteAll(ctx, windows, domain.AnomalyScopePromotionCredits, promotions),
		// The ids of the platform's events are UUIDv7, so the unique index finds the old ones. Other ids that compare as greater
		// stay until the inbox itself prunes them.
		s.deleteAll(ctx, `DELETE FROM inbox WHERE ctid = ANY(ARRAY(
			SELECT ctid FROM inbox WHERE consumer = $1 AND event_id < $4 AND handled_at < $2 LIMIT $3 FOR UPDATE SKIP LOCKED))`,
			entryConsumer, events, firstID(events)),
	)
}

// deleteAll runs a DELETE until it has deleted all rows. Its parameters are a kind of row, a time, a limit, and args.
func (s *Store) deleteAll(ctx context.Context, sql string, kind any, before time.Time, args ...any) error {
	for {
		tag, err := s.pool.Exec(ctx, sql, append([]any{kind, before, pruneBatch}, args...)...)
		if err != nil {
			return fmt.Errorf("prune %v: %w", kind, err)
		}
		if tag.RowsAffected() < pruneBatch {
			return nil
		}
	}
}

// firstID returns the smallest UUIDv7 of a time, without its random part.
func firstID(at time.Time) string {
	ms := fmt.Sprintf("%012x", at.UnixMilli())
	return ms[:8] + "-" + ms[8:]
}

// RunPruning calls Prune immediately and then every hour until ctx ends. It logs errors and always returns nil. Every
// replica may run it.
func (s *Store) RunPruning(ctx context.Context, rules domain.AnomalyRules, log *slog.Logger) error {
	return backoff.Every(ctx, pruneInterval, pruneTimeout,
		func(ctx context.Context) error { return s.Prune(ctx, rules, time.Now()) },
		func(err error) { log.Warn("pruning the windows of anomalies failed", "error", err) })
}
