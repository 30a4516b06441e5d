package postgres

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/internal/audit"
	"github.com/casino-loyalty/loyalty/internal/convert/columns"
	"github.com/casino-loyalty/loyalty/internal/idempotency"
	domain "github.com/casino-loyalty/loyalty/services/promotions"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/wire"
)

// CreateJob stores a job. Its audience is fixed by the greatest id of a player that is stored or that a player could have
// got by now: ids are UUIDv7, and the events of registrations arrive some milliseconds later.
func (s *Store) CreateJob(
	ctx context.Context, j domain.AssignmentJob, chunks []domain.JobChunk, check func(domain.Promotion) error,
) (domain.AssignmentJob, error) {
	err := s.inLockingTx(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, lockToAssign, j.PromotionID); err != nil {
			return err
		}
		p, err := queryOne(ctx, tx, scanUsed, "SELECT "+usedColumns+" FROM promotions WHERE id = $1 FOR SHARE", j.PromotionID)
		if err != nil {
			return err
		}
		if err := check(p); err != nil {
			return err
		}
		if j.Audience == domain.AudiencePlayers {
			if err := fixAudience(ctx, tx, &j); err != nil {
				return err
			}
		}
		if err := insertChunks(ctx, tx, j.ID, chunks); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "INSERT INTO assignment_jobs ("+assignmentJobColumns+") VALUES ("+
			columns.Placeholders(assignmentJobColumns, 1)+")", assignmentJobValues(j)...); err != nil {
			return err
		}
		if err := recordJob(ctx, tx, j); err != nil {
			return err
		}
		return idempotency.Save(ctx, tx, wire.FromAssignmentJob(j))
	})
	if err != nil {
		return domain.AssignmentJob{}, toAppError(err)
	}
	s.wake()
	return j, nil
}

// fixAudience sets the last player and, without a filter, the total of the job.
func fixAudience(ctx context.Context, tx pgx.Tx, j *domain.AssignmentJob) error {
	err := tx.QueryRow(ctx, "SELECT greatest($1, (SELECT id FROM players ORDER BY id DESC LIMIT 1))", lastID(j.CreatedAt)).
		Scan((*columns.UUID)(&j.LastPlayer))
	if err != nil || j.Filter != "" {
		return err
	}
	return tx.QueryRow(ctx, "SELECT count(*) FROM players WHERE id <= $1", j.LastPlayer).Scan(&j.Counts.Total)
}

// AddChunk stores a chunk. PruneJobs deletes it later if the job is never created.
func (s *Store) AddChunk(ctx context.Context, job uuid.UUID, c domain.JobChunk) error {
	_, err := s.pool.Exec(ctx, "INSERT INTO assignment_job_chunks (job_id, number, first_line, lines) VALUES ($1, $2, $3, $4)",
		job, c.Number, c.FirstLine, c.Lines)
	return toAppError(err)
}

func insertChunks(ctx context.Context, tx pgx.Tx, job uuid.UUID, chunks []domain.JobChunk) error {
	_, err := tx.CopyFrom(ctx, pgx.Identifier{"assignment_job_chunks"}, []string{"job_id", "number", "first_line", "lines"},
		pgx.CopyFromSlice(len(chunks), func(i int) ([]any, error) {
			c := chunks[i]
			return []any{job, c.Number, c.FirstLine, c.Lines}, nil
		}))
	return err
}

// recordJob records the creation of a job, without the ids of its players.
func recordJob(ctx context.Context, tx pgx.Tx, j domain.AssignmentJob) error {
	after := map[string]any{
		"promotion_id": j.PromotionID.String(), "dryRun": j.DryRun, "reassign": j.Reassign, "audience": j.Audience,
	}
	if j.Audience == domain.AudienceLines {
		after["total"] = j.Counts.Total
	}
	if j.Filter != "" {
		filter := map[string]any{}
		if err := json.Unmarshal([]byte(j.Filter), &filter); err != nil {
			return err
		}
		after["filter"] = filter
	}
	return record(ctx, tx, audit.Change{Target: j.ID, After: after})
}

// lastID returns the greatest UUIDv7 of a time.
func lastID(at time.Time) uuid.UUID {
	var id uuid.UUID
	for i := range id {
		id[i] = 0xff
	}
	for i, ms := 5, at.UnixMilli(); i >= 0; i, ms = i-1, ms>>8 {
		id[i] = byte(ms)
	}
	id[6], id[8] = 0x7f, 0xbf // version and variant
	return id
}
