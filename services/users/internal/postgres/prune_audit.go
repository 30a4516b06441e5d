package postgres

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/casino-loyalty/loyalty/internal/backoff"
)

// AuditRetention is the time for which entries of the audit trail are kept: Acts for acts of employees and operators that
// succeeded, Logins for all other entries, which strangers and players can cause.
type AuditRetention struct{ Acts, Logins time.Duration }

// The minimums of AuditRetention. The database refuses to delete younger entries. MinActRetention exceeds the time in which
// the bus may deliver an entry again, including as a replayed dead letter.
const (
	MinActRetention   = 60 * 24 * time.Hour
	MinLoginRetention = 24 * time.Hour
)

// Validate returns an error that names the invalid field.
func (r AuditRetention) Validate() error {
	switch {
	case r.Acts < MinActRetention:
		return fmt.Errorf("the retention of acts must be at least %s", MinActRetention)
	case r.Logins < MinLoginRetention:
		return fmt.Errorf("the retention of logins must be at least %s", MinLoginRetention)
	}
	return nil
}

const (
	// auditPruneInterval is how often RunAuditPruning prunes the trail.
	auditPruneInterval = time.Hour
	// auditPruneTimeout limits one pruning.
	auditPruneTimeout = 10 * time.Minute
	// auditPruneBatch is the maximum number of rows that one statement deletes. It limits how long the rows are locked.
	auditPruneBatch = 5000
)

// pruneAuditSQL deletes the oldest entries of a class with ids below $2, except those that a trigger would refuse to delete.
const pruneAuditSQL = `DELETE FROM audit WHERE id = ANY (ARRAY(
	SELECT id FROM audit WHERE long_term = $1 AND id < $2
		AND at <= now() - CASE WHEN long_term THEN interval '60 days' ELSE interval '1 day' END
	ORDER BY id LIMIT $3))`

// PruneAudit deletes the entries that are older than the retention, and returns their number. It may run concurrently.
func (s *Store) PruneAudit(ctx context.Context, r AuditRetention) (deleted int64, err error) {
	for _, class := range []struct {
		longTerm bool
		age      time.Duration
	}{{true, r.Acts}, {false, r.Logins}} {
		before := firstID(time.Now().Add(-class.age))
		for n := int64(auditPruneBatch); n == auditPruneBatch; deleted += n {
			tag, err := s.pool.Exec(ctx, pruneAuditSQL, class.longTerm, before, auditPruneBatch)
			if err != nil {
				return deleted, fmt.Errorf("prune the audit trail: %w", err)
			}
			n = tag.RowsAffected()
		}
	}
	return deleted, nil
}

// RunAuditPruning prunes the trail immediately and then every hour until ctx ends, and then returns nil. Every replica may
// run it. It calls pruned with the number of deleted entries, and logs errors.
func (s *Store) RunAuditPruning(ctx context.Context, r AuditRetention, pruned func(int64), log *slog.Logger) error {
	return backoff.Every(ctx, auditPruneInterval, auditPruneTimeout,
		func(ctx context.Context) error {
			deleted, err := s.PruneAudit(ctx, r)
			pruned(deleted)
			return err
		},
		func(err error) { log.Warn("pruning the audit trail failed", "error", err) })
}
