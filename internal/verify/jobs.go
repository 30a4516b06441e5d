package verify

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/internal/cli"
)

// jobsSQL compares the jobs with the assignments that carry their ids. An assignment that was made again carries the id of
// the last job only; the earlier ones have a replacement instead. It returns the jobs that differ, and the ids of jobs that
// do not exist.
const jobsSQL = `
	WITH counted AS (
	  SELECT job_id AS id, count(*) AS n FROM (
	    SELECT job_id FROM player_promotions WHERE job_id IS NOT NULL
	    UNION ALL SELECT job_id FROM assignment_job_replacements
	  ) a GROUP BY job_id
	)
	SELECT id, CASE WHEN j.dry_run THEN 0 ELSE COALESCE(j.counts_assigned, -1) END, COALESCE(c.n, 0)
	FROM assignment_jobs j FULL JOIN counted c USING (id)
	WHERE CASE WHEN j.dry_run THEN 0 ELSE COALESCE(j.counts_assigned, -1) END <> COALESCE(c.n, 0) ORDER BY id`

// sumsSQL returns the jobs whose counts do not add up.
const sumsSQL = `
	SELECT id FROM assignment_jobs
	WHERE counts_processed <> counts_assigned + counts_already_assigned + counts_unknown + counts_inactive + counts_restricted
	    + counts_malformed
	  OR state = 'SUCCEEDED' AND counts_processed <> counts_total OR forecast_players <> counts_assigned
	ORDER BY id`

// jobs checks that each job has made the assignments that it has counted. The check of the notifications covers that each of
// them was announced. It skips a database that has no jobs yet.
func jobs(ctx context.Context, s Sources, r *report) (string, error) {
	n := 0
	err := snapshot(ctx, s.Promotions, func(tx pgx.Tx) error {
		known, err := hasColumn(ctx, tx, "assignment_job_replacements", "job_id")
		if err != nil || !known {
			return err
		}
		if err := tx.QueryRow(ctx, "SELECT count(*) FROM assignment_jobs").Scan(&n); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, jobsSQL)
		if err != nil {
			return err
		}
		var id uuid.UUID
		var want, got int64
		if _, err := pgx.ForEachRow(rows, []any{&id, &want, &got}, func() error {
			if want < 0 {
				r.violationf("job %s does not exist, but %d assignments have its id", id, got)
			} else {
				r.violationf("job %s has assigned %d, but %d assignments have its id", id, want, got)
			}
			return nil
		}); err != nil {
			return err
		}
		if rows, err = tx.Query(ctx, sumsSQL); err != nil {
			return err
		}
		_, err = pgx.ForEachRow(rows, []any{&id}, func() error {
			r.violationf("the counts of job %s do not add up", id)
			return nil
		})
		return err
	})
	return cli.Count(n, "job", "jobs"), err
}
