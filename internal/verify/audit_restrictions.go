package verify

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
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

// checkRestrictions checks that each restriction by an employee has its entry, and that each entry has its restriction.
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
