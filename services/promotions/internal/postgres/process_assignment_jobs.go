package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/internal/convert/columns"
	"github.com/casino-loyalty/loyalty/internal/date"
	domain "github.com/casino-loyalty/loyalty/services/promotions"
)

// nextJobSQL selects the open job whose last batch is the oldest. The lock ends with the statement: it only skips the jobs
// that other replicas are processing.
const nextJobSQL = `SELECT ` + assignmentJobColumns + ` FROM assignment_jobs j
	WHERE finished_at IS NULL AND (state <> 'PAUSED' OR waiting AND NOT EXISTS (
	  SELECT FROM promotions p WHERE p.id = j.promotion_id AND p.end_date >= $1
	  AND (NOT p.is_active AND p.inactive_as = 'PAUSED' OR p.is_active AND p.start_date > $1)))
	ORDER BY worked_at LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED`

// NextBatch returns the next job and its next chunk.
func (s *Store) NextBatch(ctx context.Context, now time.Time) (j domain.AssignmentJob, c domain.JobChunk, ok bool, err error) {
	rows, err := s.pool.Query(ctx, nextJobSQL, date.Of(now))
	if err != nil {
		return j, c, false, toAppError(err)
	}
	if j, err = pgx.CollectExactlyOneRow(rows, scanAssignmentJob); err != nil {
		if errors.Is(err, pgx.ErrNoRows) {
			err = nil
		}
		return j, c, false, toAppError(err)
	}
	if j.Audience == domain.AudienceLines {
		err = s.pool.QueryRow(ctx, "SELECT number, first_line, lines FROM assignment_job_chunks WHERE job_id = $1 AND number = $2",
			j.ID, j.Chunk).Scan(&c.Number, &c.FirstLine, &c.Lines)
		if errors.Is(err, pgx.ErrNoRows) { // all chunks are processed
			err = nil
		}
	}
	return j, c, err == nil, toAppError(err)
}

// ProcessBatch processes a batch in one transaction. It locks the job, so that no other replica processes the same batch,
// then the promotion, as Assign does. Then it locks the players, so that nothing is assigned to a player after a restriction
// was stored.
func (s *Store) ProcessBatch(ctx context.Context, b domain.JobBatch) (progressed bool, err error) {
	err = s.inLockingTx(ctx, func(tx pgx.Tx) error {
		progressed = false
		if _, err := tx.Exec(ctx, planSQL); err != nil {
			return err
		}
		j, err := queryOne(ctx, tx, scanAssignmentJob, "SELECT "+assignmentJobColumns+` FROM assignment_jobs
			WHERE id = $1 AND finished_at IS NULL AND chunk = $2 AND player IS NOT DISTINCT FROM $3::uuid
			AND (state <> 'PAUSED' OR waiting) FOR NO KEY UPDATE SKIP LOCKED`, b.Job.ID, b.Job.Chunk, columns.UUID(b.Job.Player))
		if errors.Is(err, pgx.ErrNoRows) { // the job has changed, or another replica is processing it
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, lockToAssign, j.PromotionID); err != nil {
			return err
		}
		p, err := queryOne(ctx, tx, scanUsed, "SELECT "+usedColumns+" FROM promotions WHERE id = $1 FOR SHARE", j.PromotionID)
		if err != nil {
			return err
		}
		progressed, err = s.processBatch(ctx, tx, p, &j, b)
		if err != nil {
			return err
		}
		j.WorkedAt, j.Attempts = b.At, 0
		return updateJob(ctx, tx, j)
	})
	if err != nil {
		return false, toAppError(err)
	}
	if progressed {
		s.wake()
	}
	return progressed, nil
}

// processBatch processes a batch of a job that is locked, and changes j accordingly.
func (s *Store) processBatch(ctx context.Context, tx pgx.Tx, p domain.Promotion, j *domain.AssignmentJob, b domain.JobBatch) (bool, error) {
	if !j.Begin(p, b.At) {
		return true, nil
	}
	if j.Audience == domain.AudienceLines {
		return true, processLines(ctx, tx, p, j, b)
	}
	return processPlayers(ctx, tx, p, j, b)
}

// processLines processes the players of a chunk of lines.
func processLines(ctx context.Context, tx pgx.Tx, p domain.Promotion, j *domain.AssignmentJob, b domain.JobBatch) error {
	if b.Last {
		j.Succeed(b.At)
		return nil
	}
	work := newJobWork(p, j, b.At)
	ids := make([]uuid.UUID, len(b.Players))
	for i, player := range b.Players {
		ids[i] = player.ID
	}
	if !j.DryRun {
		if _, err := tx.Exec(ctx, "SELECT FROM players WHERE id = ANY ($1) ORDER BY id FOR SHARE", ids); err != nil {
			return err
		}
	}
	rows, err := tx.Query(ctx, `SELECT c.n, c.id, `+outcomeSQL()+` FROM unnest($4::uuid[]) WITH ORDINALITY AS c (id, n)
		LEFT JOIN players p ON p.id = c.id `+assignmentSQL("c")+` ORDER BY c.n`,
		p.ID, j.ID, b.At, ids)
	if err != nil {
		return err
	}
	var n int
	var id uuid.UUID
	var outcome string
	var muted bool
	seen := make(map[uuid.UUID]bool, len(ids))
	_, err = pgx.ForEachRow(rows, []any{&n, &id, &outcome, &muted}, func() error {
		player := b.Players[n-1]
		switch {
		case player.Malformed:
			outcome = string(domain.RefusedPlayerOutcomeMalformed)
		case (outcome == outcomeNew || outcome == outcomeAgain) && seen[id]:
			outcome = string(domain.AssignOutcomeAlreadyAssigned)
		}
		seen[id] = true
		work.add(id, outcome, muted, player.Line, player.Given)
		return nil
	})
	if err != nil {
		return err
	}
	j.Chunk++
	return work.do(ctx, tx)
}

// processPlayers processes the next players of the service's database. It reports whether the job has progressed.
func processPlayers(ctx context.Context, tx pgx.Tx, p domain.Promotion, j *domain.AssignmentJob, b domain.JobBatch) (bool, error) {
	f, err := j.PlayerFilter()
	if err != nil {
		return false, err
	}
	// Until the events of the registrations before the job must have arrived, the batch ends before players whose events may
	// still be missing. Their ids would be behind the position of the job.
	last := j.LastPlayer
	if b.At.Sub(j.CreatedAt) < domain.RegistrationWait {
		if arrived := lastID(b.At.Add(-domain.RegistrationWait)); bytes.Compare(arrived[:], last[:]) < 0 {
			last = arrived
		}
	}
	args := []any{p.ID, j.ID, b.At, j.Player, last, b.Limit}
	condition, args := playerFilter(f, args)
	lock := " FOR SHARE"
	if j.DryRun {
		lock = ""
	}
	rows, err := tx.Query(ctx, `SELECT p.id, `+condition+`, `+outcomeSQL()+`
		FROM (SELECT * FROM players WHERE id > $4 AND id <= $5 ORDER BY id LIMIT $6`+lock+`) p
		`+assignmentSQL("p")+` ORDER BY p.id`, args...)
	if err != nil {
		return false, err
	}
	work := newJobWork(p, j, b.At)
	var id uuid.UUID
	var outcome string
	var selected, muted bool
	read := 0
	_, err = pgx.ForEachRow(rows, []any{&id, &selected, &outcome, &muted}, func() error {
		read++
		if selected {
			work.add(id, outcome, muted, 0, id.String())
		}
		return nil
	})
	if err != nil {
		return false, err
	}
	if err := work.do(ctx, tx); err != nil {
		return false, err
	}
	switch {
	case read > 0:
		j.Player = id
	case b.At.Sub(j.CreatedAt) < domain.RegistrationWait:
		return false, nil
	default:
		j.Counts.Total = j.Counts.Processed
		j.Succeed(b.At)
	}
	return true, nil
}

// playerFilter returns the condition that the player p meets a filter, and the arguments.
func playerFilter(f domain.JobFilter, args []any) (string, []any) {
	arg := func(v any) string {
		args = append(args, v)
		return fmt.Sprintf("$%d", len(args))
	}
	where := []string{"true"}
	add := func(format string, v ...any) { where = append(where, fmt.Sprintf(format, v...)) }
	// The subquery with LIMIT is executed once per player. PostgreSQL could instead read all assignments of a promotion once
	// per batch for an EXISTS, if it does not know yet how many there are.
	assigned := func(condition string) string {
		return "(SELECT true FROM player_promotions c WHERE c.user_id = p.id AND " + condition + " LIMIT 1) IS NOT NULL"
	}
	claimed := func(types []domain.PromotionType) string {
		names := make([]string, len(types))
		for i, t := range types {
			names[i] = string(t)
		}
		return assigned("c.claimed AND (SELECT q.type FROM promotions q WHERE q.id = c.promotion_id) = ANY (" +
			arg(names) + "::text[])")
	}
	if !f.RegisteredFrom.IsZero() {
		add("p.created_at >= %s::timestamptz", arg(f.RegisteredFrom))
	}
	if !f.RegisteredTo.IsZero() {
		add("p.created_at <= %s::timestamptz", arg(f.RegisteredTo))
	}
	if len(f.ClaimedTypes) > 0 {
		add("%s", claimed(f.ClaimedTypes))
	}
	if len(f.NotClaimedTypes) > 0 {
		add("NOT (%s)", claimed(f.NotClaimedTypes))
	}
	if len(f.NotAssignedPromotionIDs) > 0 {
		add("NOT (%s)", assigned("c.promotion_id = ANY ("+arg(f.NotAssignedPromotionIDs)+"::uuid[])"))
	}
	if !f.LastClaimBefore.IsZero() {
		add(`COALESCE((SELECT max(c.claimed_at) FROM player_promotions c WHERE c.user_id = p.id AND c.claimed)
			< %s::timestamptz, false)`, arg(f.LastClaimBefore))
	}
	return strings.Join(where, " AND "), args
}
