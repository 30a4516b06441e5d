package postgres

import (
	"context"
	"fmt"
	"time"
)

// PruneJobs deletes rows of jobs. Ids of jobs are UUIDv7, so an id shows when its upload began.
func (s *Store) PruneJobs(ctx context.Context, orphaned, expired time.Time, limit int) (bool, error) {
	const ended = "EXISTS (SELECT FROM assignment_jobs j WHERE j.id = x.job_id AND j.finished_at IS NOT NULL)"
	more := false
	for _, of := range []struct {
		table, condition string
		args             []any
	}{
		{
			"assignment_job_chunks",
			ended + " OR x.job_id < $2 AND NOT EXISTS (SELECT FROM assignment_jobs j WHERE j.id = x.job_id)", []any{lastID(orphaned)},
		},
		{"assignment_job_forecast_players", ended, nil},
		{
			"assignment_job_refusals",
			"EXISTS (SELECT FROM assignment_jobs j WHERE j.id = x.job_id AND j.finished_at < $2)", []any{expired},
		},
	} {
		sql := fmt.Sprintf("DELETE FROM %[1]s WHERE id IN (SELECT id FROM %[1]s x WHERE %[2]s LIMIT $1)", of.table, of.condition)
		tag, err := s.pool.Exec(ctx, sql, append([]any{limit}, of.args...)...)
		if err != nil {
			return false, toAppError(fmt.Errorf("prune %s: %w", of.table, err))
		}
		more = more || tag.RowsAffected() == int64(limit)
	}
	return more, nil
}
