package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/audit"
	"github.com/casino-loyalty/loyalty/internal/convert/columns"
	"github.com/casino-loyalty/loyalty/internal/idempotency"
	"github.com/casino-loyalty/loyalty/internal/keyset"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	domain "github.com/casino-loyalty/loyalty/services/promotions"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/wire"
)

// Job returns a job.
func (s *Store) Job(ctx context.Context, id uuid.UUID) (domain.AssignmentJob, error) {
	rows, err := s.pool.Query(ctx, "SELECT "+assignmentJobColumns+" FROM assignment_jobs WHERE id = $1", id)
	if err != nil {
		return domain.AssignmentJob{}, toJobError(err)
	}
	j, err := pgx.CollectExactlyOneRow(rows, scanAssignmentJob)
	return j, toJobError(err)
}

// toJobError is toAppError for the row of a job.
func toJobError(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return apperr.New(apperr.NotFound, "job not found").WithCause(err)
	}
	return toAppError(err)
}

// Jobs lists the jobs of a promotion by descending id. Ids are UUIDv7, so the newest job comes first.
func (s *Store) Jobs(ctx context.Context, promotion uuid.UUID, p keyset.PageRequest[uuid.UUID]) (keyset.Page[domain.AssignmentJob], error) {
	where, args := "promotion_id = $1", []any{promotion}
	if p.Before != uuid.Nil {
		where, args = where+" AND id < $2", append(args, p.Before)
	}
	return listPage(ctx, s, list[domain.AssignmentJob]{
		table: "assignment_jobs", columns: assignmentJobColumns, scan: scanAssignmentJob,
		all: "promotion_id = $1", order: "id DESC",
	}, where, args, p.Size)
}

// RefusedPlayers lists the refused players of a job by ascending number.
func (s *Store) RefusedPlayers(ctx context.Context, job uuid.UUID, p keyset.PageRequest[int64]) (keyset.Page[domain.RefusedPlayer], error) {
	return listPage(ctx, s, list[domain.RefusedPlayer]{
		table: "assignment_job_refusals", columns: refusedPlayerColumns, scan: scanRefusedPlayer,
		all: "job_id = $1", order: "number",
	}, "job_id = $1 AND number > $2", []any{job, p.Before}, p.Size)
}

// ChangeJob locks the row of the job. It waits for a batch that is being processed.
func (s *Store) ChangeJob(ctx context.Context, id uuid.UUID, change func(*domain.AssignmentJob) error) (domain.AssignmentJob, error) {
	var j domain.AssignmentJob
	err := postgres.InTx(ctx, s.pool, func(tx pgx.Tx) (err error) {
		if j, err = queryOne(ctx, tx, scanAssignmentJob,
			"SELECT "+assignmentJobColumns+" FROM assignment_jobs WHERE id = $1 FOR NO KEY UPDATE", id); err != nil {
			return err
		}
		before := j
		if err := change(&j); err != nil {
			return err
		}
		if j != before {
			if err := updateJob(ctx, tx, j); err != nil {
				return err
			}
			if err := record(ctx, tx, audit.Change{
				Target: id, Before: map[string]any{"state": string(before.State)}, After: map[string]any{"state": string(j.State)},
			}); err != nil {
				return err
			}
		}
		return idempotency.Save(ctx, tx, wire.FromAssignmentJob(j))
	})
	if err != nil {
		return domain.AssignmentJob{}, toJobError(err)
	}
	s.wake()
	return j, nil
}

// updateJob stores what changes in a job.
func updateJob(ctx context.Context, tx pgx.Tx, j domain.AssignmentJob) error {
	names, values := columns.Without(assignmentJobColumns, assignmentJobValues(j),
		"id", "promotion_id", "dry_run", "created_by", "created_at", "reassign", "audience", "filter", "last_player")
	set := columns.Names(names)
	for i, name := range set {
		set[i] = fmt.Sprintf("%s = $%d", name, i+2)
	}
	_, err := tx.Exec(ctx, "UPDATE assignment_jobs SET "+strings.Join(set, ", ")+" WHERE id = $1",
		append([]any{j.ID}, values...)...)
	return err
}

// FailAttempt records a failed batch.
func (s *Store) FailAttempt(ctx context.Context, job uuid.UUID, counted bool) (attempts int64, err error) {
	err = s.pool.QueryRow(ctx, `UPDATE assignment_jobs SET attempts = attempts + $2::boolean::int, worked_at = now()
		WHERE id = $1 RETURNING attempts`, job, counted).Scan(&attempts)
	return attempts, toJobError(err)
}
