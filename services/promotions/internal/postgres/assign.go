package postgres

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/internal/audit"
	"github.com/casino-loyalty/loyalty/internal/convert/columns"
	"github.com/casino-loyalty/loyalty/internal/event/outbox"
	"github.com/casino-loyalty/loyalty/internal/idempotency"
	domain "github.com/casino-loyalty/loyalty/services/promotions"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/producer"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/wire"
)

// Assign locks the promotion and the players until the commit, so that they cannot change between the check and the commit.
// To assign again, it also locks the promotion's claims.
func (s *Store) Assign(ctx context.Context, a domain.AssignParams, check func(domain.Promotion) error) ([]domain.AssignResult, error) {
	var results []domain.AssignResult
	err := s.inLockingTx(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, lockToAssign, a.Promotion); err != nil {
			return err
		}
		p, err := queryOne(ctx, tx, scanUsed, "SELECT "+usedColumns+" FROM promotions WHERE id = $1 FOR SHARE", a.Promotion)
		if err != nil {
			return err
		}
		if err := check(p); err != nil {
			return err
		}
		if a.Reassign {
			if _, err := tx.Exec(ctx, lockClaims, []uuid.UUID{p.ID}); err != nil {
				return err
			}
		}
		to, err := lockAddressees(ctx, tx, a.Players, a.At)
		if err != nil {
			return err
		}
		if err := refusePlayers(ctx, tx, domain.RefusalActionAssign, p.ID, to.restricted, a.At); err != nil {
			return err
		}
		o := origin{by: a.By, source: domain.AssignmentSourceStaff, at: a.At}
		assigned, err := assign(ctx, tx, p, to, o)
		if err != nil {
			return err
		}
		if a.Reassign {
			again, err := reassign(ctx, tx, p, to, o)
			if err != nil {
				return err
			}
			assigned = append(assigned, again...)
		}
		if err := recordPlayers(ctx, tx, p.ID, assigned); err != nil {
			return err
		}
		for _, player := range assigned {
			to.outcomes[player] = domain.AssignOutcomeAssigned
		}
		results = make([]domain.AssignResult, len(a.Players))
		for i, player := range a.Players {
			results[i] = domain.AssignResult{Player: player, Outcome: to.outcomes[player]}
		}
		return idempotency.Save(ctx, tx, wire.FromAssignResults(results))
	})
	if err != nil {
		return nil, toAppError(err)
	}
	s.wake()
	return results, nil
}

// UnknownPlayers returns the players among ids that are not stored.
func (s *Store) UnknownPlayers(ctx context.Context, ids []uuid.UUID) ([]uuid.UUID, error) {
	rows, err := s.pool.Query(ctx, `
		SELECT id FROM unnest($1::uuid[]) AS given(id) WHERE NOT EXISTS (SELECT FROM players WHERE players.id = given.id)`, ids)
	if err != nil {
		return nil, toAppError(err)
	}
	unknown, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	return unknown, toAppError(err)
}

// addressees are the players to whom a promotion is to be assigned.
type addressees struct {
	// outcomes has a preliminary outcome for each player. The outcome of a player who can be assigned the promotion is
	// AssignOutcomeAlreadyAssigned; the caller changes it if it assigns the promotion.
	outcomes map[uuid.UUID]domain.AssignOutcome
	// players are the players who can be assigned the promotion, in the order of their ids, and restricted those to whom a
	// restriction refuses it.
	players, restricted []uuid.UUID
	// muted are the players among them who are not notified.
	muted map[uuid.UUID]bool
}

// origin is what makes an assignment.
type origin struct {
	source domain.AssignmentSource
	// by is the employee, or uuid.Nil. job is the job, or uuid.Nil.
	by, job uuid.UUID
	at      time.Time
}

// assignment returns an assignment of p without id and player.
func (o origin) assignment(p domain.Promotion) domain.Assignment {
	return domain.Assignment{
		PromotionID: p.ID, Amount: p.Amount, AssignedBy: o.by, CreatedAt: o.at, Title: p.Title, TimesAssigned: 1,
		ExpiresAt: p.Limits.Expiry(o.at), Source: o.source, JobID: o.job, TermsVersion: p.Terms.Version,
	}
}

// lockAddressees locks players and determines who can be assigned a promotion.
func lockAddressees(ctx context.Context, tx pgx.Tx, players []uuid.UUID, at time.Time) (addressees, error) {
	to := addressees{outcomes: make(map[uuid.UUID]domain.AssignOutcome, len(players)), muted: map[uuid.UUID]bool{}}
	known, err := lockPlayers(ctx, tx, players, at)
	if err != nil {
		return to, err
	}
	for _, player := range players {
		to.outcomes[player] = domain.AssignOutcomeUnknownPlayer
	}
	for _, p := range known {
		switch {
		case !p.active:
			to.outcomes[p.id] = domain.AssignOutcomeInactivePlayer
		case p.restricted:
			to.outcomes[p.id] = domain.AssignOutcomeRestrictedPlayer
			to.restricted = append(to.restricted, p.id)
		default:
			to.outcomes[p.id] = domain.AssignOutcomeAlreadyAssigned
			to.players = append(to.players, p.id)
			if p.muted {
				to.muted[p.id] = true
			}
		}
	}
	return to, nil
}

// assign assigns p to the players who can be assigned it and do not have it yet, and returns these players. It appends a
// notification for each of them to the outbox, except for muted players. It inserts the rows in the order of the players'
// ids, so that concurrent calls cannot deadlock.
func assign(ctx context.Context, tx pgx.Tx, p domain.Promotion, to addressees, o origin) ([]uuid.UUID, error) {
	ids, muted := make([]uuid.UUID, len(to.players)), make([]int64, len(to.players))
	for i, player := range to.players {
		if to.muted[player] {
			muted[i] = 1
		}
		id, err := uuid.NewV7()
		if err != nil {
			return nil, err
		}
		ids[i] = id
	}
	rest, values := columns.Without(assignmentColumns, assignmentValues(o.assignment(p)), "id", "user_id", "times_muted")
	rows, err := tx.Query(ctx, `
		INSERT INTO player_promotions (id, user_id, times_muted, `+rest+`)
		SELECT n.id, n.player, n.muted, `+columns.Placeholders(rest, 4)+`
		FROM unnest($1::uuid[], $2::uuid[], $3::bigint[]) WITH ORDINALITY AS n(id, player, muted, place) ORDER BY n.place
		ON CONFLICT (user_id, promotion_id) DO NOTHING
		RETURNING `+assignmentColumns,
		append([]any{ids, to.players, muted}, values...)...)
	if err != nil {
		return nil, err
	}
	inserted, err := pgx.CollectRows(rows, scanAssignment)
	if err != nil {
		return nil, err
	}
	return announce(ctx, tx, p, inserted, to.muted)
}

// reassignable is the condition that an assignment a of the promotion $1 to one of the players $2 is revoked or has expired
// at $3, and is not being claimed.
const reassignable = `promotion_id = $1 AND user_id = ANY ($2) AND NOT claimed
	AND (revoked_at IS NOT NULL OR expires_at <= $3) AND NOT EXISTS (SELECT FROM claim_reservations c WHERE c.id = a.id)`

// reassign assigns p again to the players whose assignment was revoked or has expired, and returns these players. The caller
// holds the lock of the promotion's claims. If the assignment belonged to a job, reassign records the replacement.
func reassign(ctx context.Context, tx pgx.Tx, p domain.Promotion, to addressees, o origin) ([]uuid.UUID, error) {
	_, err := tx.Exec(ctx, `INSERT INTO assignment_job_replacements (job_id, assignment_id)
		SELECT job_id, id FROM player_promotions a WHERE job_id IS NOT NULL AND `+reassignable, p.ID, to.players, o.at)
	if err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, `
		UPDATE player_promotions a SET revoked_at = NULL, expired_at = NULL, expires_at = $4, amount = $5, title = $6,
		  assigned_by = $7, source = $8, terms_version = $9, created_at = $3, job_id = $11,
		  times_assigned = times_assigned + 1, times_muted = times_muted + (user_id = ANY ($10))::int
		WHERE `+reassignable+`
		RETURNING `+assignmentColumns, p.ID, to.players, o.at, columns.Time(p.Limits.Expiry(o.at)), columns.Money(p.Amount),
		p.Title, columns.UUID(o.by), o.source, p.Terms.Version, slices.AppendSeq([]uuid.UUID{}, maps.Keys(to.muted)),
		columns.UUID(o.job))
	if err != nil {
		return nil, err
	}
	assigned, err := pgx.CollectRows(rows, scanAssignment)
	if err != nil {
		return nil, err
	}
	ids := make([]uuid.UUID, len(assigned))
	for i, a := range assigned {
		ids[i] = a.ID
	}
	if _, err := tx.Exec(ctx, "DELETE FROM assignment_deadlines WHERE id = ANY ($1)", ids); err != nil {
		return nil, err
	}
	return announce(ctx, tx, p, assigned, to.muted)
}

// announce stores the deadlines of new assignments, appends their notifications to the outbox, and returns the players.
// Muted players get no notification.
func announce(
	ctx context.Context, tx pgx.Tx, p domain.Promotion, assignments []domain.Assignment, muted map[uuid.UUID]bool,
) ([]uuid.UUID, error) {
	var expiring []uuid.UUID
	var remindAt []time.Time
	players := make([]uuid.UUID, len(assignments))
	for i, a := range assignments {
		players[i] = a.UserID
		if !a.ExpiresAt.IsZero() {
			expiring, remindAt = append(expiring, a.ID), append(remindAt, a.RemindAt())
		}
	}
	if expiring != nil {
		if _, err := tx.Exec(ctx, `
			INSERT INTO assignment_deadlines (id, action, due_at)
			SELECT id, 'REMIND', at FROM unnest($1::uuid[], $2::timestamptz[]) AS e (id, at)`,
			expiring, remindAt); err != nil {
			return nil, err
		}
	}
	assignments = slices.DeleteFunc(assignments, func(a domain.Assignment) bool { return muted[a.UserID] })
	events, err := producer.Assigned(p, assignments)
	if err != nil {
		return nil, err
	}
	return players, outbox.Append(ctx, tx, events...)
}

// recordPlayers records that an act on a promotion concerned players. It does nothing without players.
func recordPlayers(ctx context.Context, tx pgx.Tx, promotion uuid.UUID, players []uuid.UUID) error {
	if len(players) == 0 {
		return nil
	}
	ids := make([]any, len(players))
	for i, player := range players {
		ids[i] = player.String()
	}
	return record(ctx, tx, audit.Change{Target: promotion, After: map[string]any{"players": ids}})
}

// queryOne returns the only row of a query. It returns pgx.ErrNoRows or pgx.ErrTooManyRows if the query does not return
// exactly one row.
func queryOne[T any](ctx context.Context, tx pgx.Tx, scan pgx.RowToFunc[T], sql string, args ...any) (T, error) {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		var zero T
		return zero, err
	}
	return pgx.CollectExactlyOneRow(rows, scan)
}
