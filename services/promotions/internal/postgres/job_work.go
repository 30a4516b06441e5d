package postgres

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/internal/convert/columns"
	"github.com/casino-loyalty/loyalty/internal/event/outbox"
	domain "github.com/casino-loyalty/loyalty/services/promotions"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/producer"
)

// The outcomes of outcomeSQL that are not final.
const (
	// outcomeNew: the promotion was never assigned to the player.
	outcomeNew = "NEW"
	// outcomeAgain: the assignment is revoked or expired, and can be made again.
	outcomeAgain = "AGAIN"
)

// outcomeSQL returns the outcome for a player p with an assignment a, at the time $3 in the job $2 of the promotion $1, and
// whether the notifications of promotions to the player are muted. A job does not assign a promotion again that it has
// assigned itself.
func outcomeSQL() string {
	return `CASE
	WHEN p.id IS NULL THEN 'UNKNOWN_PLAYER'
	WHEN NOT p.is_active THEN 'INACTIVE_PLAYER'
	WHEN ` + refusedSQL("p", "$3") + ` THEN 'RESTRICTED_PLAYER'
	WHEN a.id IS NULL THEN 'NEW'
	WHEN NOT a.claimed AND (a.revoked_at IS NOT NULL OR a.expires_at <= $3) AND a.job_id IS DISTINCT FROM $2
	  AND NOT EXISTS (SELECT FROM claim_reservations r WHERE r.id = a.id) THEN 'AGAIN'
	ELSE 'ALREADY_ASSIGNED' END, COALESCE(` + mutedSQL("p", "$3") + `, false)`
}

// assignmentSQL joins the assignment a of the promotion $1 to the player in the table. The subquery with LIMIT is executed
// once per player. PostgreSQL could instead read all assignments of the promotion once per batch for a plain join, if it
// does not know yet that a job has made many of them.
func assignmentSQL(table string) string {
	return `LEFT JOIN LATERAL (
	  SELECT * FROM player_promotions WHERE user_id = ` + table + `.id AND promotion_id = $1 LIMIT 1) a ON true`
}

// jobWork is what a batch of a job does.
type jobWork struct {
	promotion domain.Promotion
	job       *domain.AssignmentJob
	at        time.Time
	refused   int64 // before the batch

	created, again []uuid.UUID // players
	muted          map[uuid.UUID]bool
	restricted     []uuid.UUID
	refusals       []domain.RefusedPlayer
}

func newJobWork(p domain.Promotion, j *domain.AssignmentJob, at time.Time) *jobWork {
	c := j.Counts
	return &jobWork{
		promotion: p, job: j, at: at, muted: map[uuid.UUID]bool{},
		refused: int64(c.Unknown) + int64(c.Inactive) + int64(c.Restricted) + int64(c.Malformed),
	}
}

// add adds a player with an outcome. It counts the outcome if it is final.
func (w *jobWork) add(id uuid.UUID, outcome string, muted bool, line int32, given string) {
	if muted {
		w.muted[id] = true
	}
	switch {
	case outcome == outcomeNew:
		w.created = append(w.created, id)
		return
	case outcome == outcomeAgain && w.job.Reassign:
		w.again = append(w.again, id)
		return
	case outcome == outcomeAgain:
		outcome = string(domain.AssignOutcomeAlreadyAssigned)
	case outcome == string(domain.AssignOutcomeAlreadyAssigned):
	default:
		if outcome == string(domain.RefusedPlayerOutcomeRestrictedPlayer) {
			w.restricted = append(w.restricted, id)
		}
		w.refusals = append(w.refusals, domain.RefusedPlayer{
			JobID: w.job.ID, Number: w.refused + int64(len(w.refusals)) + 1,
			Line: line, Player: given, Outcome: domain.RefusedPlayerOutcome(outcome),
		})
	}
	w.job.Count(outcome, 1, 0)
}

// do assigns the promotion, or forecasts it in a dry run, stores the refusals, and counts the outcomes. It
// changes assignments last, because their triggers lock the counters of the promotion, which claims change, too. It inserts
// before it assigns again, as Assign does: while it waits for a concurrent assignment of the same promotion to a player, it
// must not hold the counters, for which that assignment may wait.
func (w *jobWork) do(ctx context.Context, tx pgx.Tx) error {
	if len(w.again) > 0 && !w.job.DryRun { // reassign decides again under the lock
		if _, err := tx.Exec(ctx, lockClaims, []uuid.UUID{w.promotion.ID}); err != nil {
			return err
		}
	}
	if err := w.storeRefusals(ctx, tx); err != nil {
		return err
	}
	assigned := 0
	for _, step := range []func(context.Context, pgx.Tx) (int, error){w.assignNew, w.assignAgain} {
		n, err := step(ctx, tx)
		if err != nil {
			return err
		}
		assigned += n
	}
	w.job.Count(string(domain.AssignOutcomeAssigned), assigned, w.promotion.Amount)
	w.job.Count(string(domain.AssignOutcomeAlreadyAssigned), len(w.created)+len(w.again)-assigned, 0)
	return nil
}

func (w *jobWork) storeRefusals(ctx context.Context, tx pgx.Tx) error {
	if len(w.refusals) == 0 {
		return nil
	}
	if len(w.restricted) > 0 && !w.job.DryRun {
		err := refusePlayers(ctx, tx, domain.RefusalActionJob, w.promotion.ID, w.restricted, w.at)
		if err != nil {
			return err
		}
	}
	_, err := tx.CopyFrom(ctx, pgx.Identifier{"assignment_job_refusals"}, columns.Names(refusedPlayerColumns),
		pgx.CopyFromSlice(len(w.refusals), func(i int) ([]any, error) { return refusedPlayerValues(w.refusals[i]), nil }))
	return err
}

func (w *jobWork) origin() origin {
	return origin{source: domain.AssignmentSourceJob, by: w.job.CreatedBy, job: w.job.ID, at: w.at}
}

// assignAgain assigns the promotion again and returns the number of assignments.
func (w *jobWork) assignAgain(ctx context.Context, tx pgx.Tx) (int, error) {
	switch {
	case len(w.again) == 0:
		return 0, nil
	case w.job.DryRun:
		return w.forecast(ctx, tx, w.again)
	}
	assigned, err := reassign(ctx, tx, w.promotion, addressees{players: w.again, muted: w.muted}, w.origin())
	return len(assigned), err
}

// forecast returns the number of players to whom the promotion would be assigned. It omits those of earlier lines.
func (w *jobWork) forecast(ctx context.Context, tx pgx.Tx, players []uuid.UUID) (int, error) {
	if w.job.Audience != domain.AudienceLines {
		return len(players), nil // each player is read once
	}
	tag, err := tx.Exec(ctx, `INSERT INTO assignment_job_forecast_players (job_id, player_id)
		SELECT $1, id FROM unnest($2::uuid[]) AS e (id) ON CONFLICT (job_id, player_id) DO NOTHING`, w.job.ID, players)
	return int(tag.RowsAffected()), err
}

// assignNew assigns the promotion to players for the first time, with their notifications and deadlines, in one statement.
// It returns the number of assignments. Players to whom another transaction has assigned the promotion meanwhile are
// omitted.
func (w *jobWork) assignNew(ctx context.Context, tx pgx.Tx) (int, error) {
	switch {
	case len(w.created) == 0:
		return 0, nil
	case w.job.DryRun:
		return w.forecast(ctx, tx, w.created)
	}
	template := w.origin().assignment(w.promotion)
	// The order of the ids, as in assign, prevents deadlocks.
	slices.SortFunc(w.created, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	assignments := make([]domain.Assignment, len(w.created))
	ids, muted := make([]uuid.UUID, len(w.created)), make([]int64, len(w.created))
	for i, player := range w.created {
		id, err := uuid.NewV7()
		if err != nil {
			return 0, err
		}
		assignments[i] = template
		assignments[i].ID, assignments[i].UserID = id, player
		ids[i] = id
		if w.muted[player] {
			muted[i] = 1
		}
	}
	audible := slices.DeleteFunc(assignments, func(a domain.Assignment) bool { return w.muted[a.UserID] })
	events, err := producer.Assigned(w.promotion, audible)
	if err != nil {
		return 0, err
	}
	appendSQL, appendArgs, err := outbox.AppendSelected(ctx, 4, "SELECT id FROM made", events...)
	if err != nil {
		return 0, err
	}
	rest, values := columns.Without(assignmentColumns, assignmentValues(template), "id", "user_id", "times_muted")
	first := 4 + len(appendArgs)
	sql := `WITH made AS (
		  INSERT INTO player_promotions (id, user_id, times_muted, ` + rest + `)
		  SELECT n.id, n.player, n.muted, ` + columns.Placeholders(rest, first) + `
		  FROM unnest($1::uuid[], $2::uuid[], $3::bigint[]) WITH ORDINALITY AS n (id, player, muted, place) ORDER BY n.place
		  ON CONFLICT (user_id, promotion_id) DO NOTHING RETURNING id
		), announced AS (` + appendSQL + `)`
	args := append(append([]any{ids, w.created, muted}, appendArgs...), values...)
	if !template.ExpiresAt.IsZero() {
		sql += `, expiring AS (INSERT INTO assignment_deadlines (id, action, due_at) SELECT id, 'REMIND', ` +
			columns.Placeholders("due_at", first+len(values)) + `::timestamptz FROM made)`
		args = append(args, template.RemindAt())
	}
	var made int
	err = tx.QueryRow(ctx, sql+" SELECT count(*) FROM made", args...).Scan(&made)
	return made, err
}
