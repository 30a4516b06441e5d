package verify

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	optionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/options/v1"
)

// sameRestriction compares a restriction r with the first restriction in the state of an entry a after the act.
const sameRestriction = `r.user_id = a.target AND r.set_by = a.actor AND NOT r.by_player AND a.outcome = 'OK'
	AND r.kind = a.after->'restrictions'->0->>'kind' AND r.reason = a.after->'restrictions'->0->>'reason'
	AND r.created_at BETWEEN a.at - $1::interval AND a.at + $1::interval`

// unrecordedSQL reads the restrictions by employees without an entry.
const unrecordedSQL = `
	SELECT r.id, r.user_id, r.kind FROM restrictions r
	WHERE NOT r.by_player AND r.created_at >= $2
		AND NOT EXISTS (SELECT FROM audit a WHERE a.action = 'RESTRICT_PLAYER' AND ` + sameRestriction + `)
	ORDER BY r.id`

// unsetSQL reads the entries about restrictions that were not set or not lifted.
const unsetSQL = `
	SELECT ` + entryColumns + ` FROM audit a
	WHERE a.outcome = 'OK' AND (
		a.action = 'RESTRICT_PLAYER' AND NOT EXISTS (SELECT FROM restrictions r WHERE ` + sameRestriction + `)
		OR a.action = 'LIFT_RESTRICTION' AND NOT EXISTS (SELECT FROM restrictions r
			WHERE r.user_id = a.target AND r.kind = a.before->'restrictions'->0->>'kind'
				AND r.ended_at BETWEEN a.at - $1::interval AND a.at + $1::interval))
	ORDER BY a.id`

// unexplainedEndSQL reads the restrictions that ended without a reason. A restriction ends at the beginning of the one
// that replaces it, or with the entry of an employee who lifts it. Players may also end their own of some kinds, which has
// no entry. A player cannot replace a restriction of another kind by one that ends earlier, unless it has expired.
const unexplainedEndSQL = `
	SELECT r.id, r.user_id, r.kind, r.ended_at FROM restrictions r
	WHERE r.ended_at >= $2 AND NOT (r.by_player AND r.kind = ANY ($3))
		AND NOT EXISTS (SELECT FROM restrictions s
			WHERE s.user_id = r.user_id AND s.kind = r.kind AND s.by_player = r.by_player AND s.id <> r.id
				AND s.created_at = r.ended_at
				AND (NOT r.by_player OR s.until IS NULL OR s.until >= r.until OR r.until <= r.ended_at))
		AND NOT EXISTS (SELECT FROM audit a
			WHERE a.action = 'LIFT_RESTRICTION' AND a.outcome = 'OK' AND a.target = r.user_id
				AND r.ended_at BETWEEN a.at - $1::interval AND a.at + $1::interval
				AND a.before->'restrictions' @> jsonb_build_array(jsonb_build_object('kind', r.kind)))
	ORDER BY r.id`

// checkRestrictions checks that each restriction by an employee has its entry, that each entry has its restriction, and that
// each end of a restriction has a reason.
func (t *trail) checkRestrictions(ctx context.Context) error {
	if known, err := hasColumn(ctx, t.snapshot, "restrictions", "entries"); err != nil || !known {
		return err
	}
	rows, err := t.snapshot.Query(ctx, unrecordedSQL, clockTolerance, t.complete)
	if err != nil {
		return err
	}
	var id, user uuid.UUID
	var kind string
	_, err = pgx.ForEachRow(rows, []any{&id, &user, &kind}, func() error {
		t.violationf("no entry records the restriction %s, %s of user %s", id, kind, user)
		return nil
	})
	if err != nil {
		return err
	}
	if err := t.checkEnds(ctx); err != nil {
		return err
	}
	if rows, err = t.snapshot.Query(ctx, unsetSQL, clockTolerance); err != nil {
		return err
	}
	var e entry
	_, err = pgx.ForEachRow(rows, e.columns(), func() error {
		t.violationf("%s: user %s had no such restriction", &e, e.target)
		return nil
	})
	return err
}

func (t *trail) checkEnds(ctx context.Context) error {
	lifted := kindsWith((*optionsv1.RestrictionKindRules).GetLiftedByPlayers)
	rows, err := t.snapshot.Query(ctx, unexplainedEndSQL, clockTolerance, t.complete, lifted)
	if err != nil {
		return err
	}
	var id, user uuid.UUID
	var kind string
	var ended time.Time
	_, err = pgx.ForEachRow(rows, []any{&id, &user, &kind, &ended}, func() error {
		t.violationf("the restriction %s, %s of user %s, ended at %s: no restriction replaces it, and no entry records "+
			"that it was lifted", id, kind, user, ended.UTC().Format(time.RFC3339))
		return nil
	})
	return err
}
