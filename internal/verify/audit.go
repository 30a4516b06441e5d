package verify

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/internal/audit"
	"github.com/casino-loyalty/loyalty/internal/cli"
	"github.com/casino-loyalty/loyalty/internal/convert/columns"
)

const (
	// actsKept is the time for which the database keeps the entries about acts of employees and operators in any case. It is
	// the time in the trigger audit_retained.
	actsKept = 60 * 24 * time.Hour
	// clockTolerance is the maximum difference between the clocks of replicas, and between an entry and its effect.
	clockTolerance = 5 * time.Minute
)

// trail is the state of the check of the audit trail. The snapshot is that of the users database.
type trail struct {
	*report
	snapshot pgx.Tx
	// complete is the time from which the trail has all entries about acts of employees and operators. Older entries may have
	// been deleted after their retention time.
	complete time.Time
	acts     map[string]act
	users    int
	entries  int
}

// auditTrail checks that each entry is one that the platform can record, that the effect of each entry exists, and that each
// effect in the users database has its entry. An entry of users commits with its effect, so one snapshot shows both.
//
// Effects in other databases may be without an entry: a restored backup lacks the entries that were on the bus at its time.
func auditTrail(ctx context.Context, s Sources, r *report) (string, error) {
	t := &trail{report: r, acts: acts()}
	err := snapshot(ctx, s.Users, func(tx pgx.Tx) error {
		t.snapshot = tx
		var err error
		if t.complete, err = t.completeSince(ctx); err != nil {
			return err
		}
		for _, check := range []func(context.Context) error{
			t.checkUsers, t.checkOthers, t.checkReversals, t.checkRepeats, t.checkRestrictions,
			func(ctx context.Context) error { return t.checkPromotions(ctx, s.Promotions) },
		} {
			if err := check(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	return cli.Count(t.entries, "entry", "entries") + ", " + cli.Count(t.users, "user", "users"), err
}

// completeSince returns the time from which the trail has all entries about acts of employees and operators. They are
// deleted in the order of their ids, and not within actsKept.
func (t *trail) completeSince(ctx context.Context) (time.Time, error) {
	since := t.now.Add(-actsKept)
	rows, err := t.snapshot.Query(ctx, "SELECT id, at FROM audit WHERE long_term ORDER BY id LIMIT 1")
	if err != nil {
		return since, err
	}
	oldest, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (e entry, err error) {
		return e, row.Scan(&e.id, &e.at)
	})
	for _, e := range oldest {
		first := e.at
		if made := e.idTime(); made.After(first) {
			first = made
		}
		if first.Before(since) {
			since = first
		}
	}
	return since.Add(clockTolerance), err
}

// entry is an entry of the audit trail.
type entry struct {
	id, actor, target        uuid.UUID
	at                       time.Time
	service, action, outcome string
	before, after            []byte
	longTerm                 bool
	// actorRole is empty if the actor does not exist.
	actorRole string
}

// entryColumns are the columns of an entry, for the alias a of the table audit. They are NULL in the row of a user without
// entries.
const entryColumns = `a.id, a.at, a.service, a.action, a.actor, a.target, a.outcome, a.before, a.after,
	COALESCE(a.long_term, false), (SELECT role FROM users WHERE users.id = a.actor)`

// columns returns the destinations of entryColumns.
func (e *entry) columns() []any {
	return []any{
		(*columns.UUID)(&e.id), (*columns.Time)(&e.at), (*columns.Text)(&e.service), (*columns.Text)(&e.action),
		(*columns.UUID)(&e.actor), (*columns.UUID)(&e.target), (*columns.Text)(&e.outcome), &e.before, &e.after,
		&e.longTerm, (*columns.Text)(&e.actorRole),
	}
}

func (e *entry) String() string { return fmt.Sprintf("entry %s, %s", e.id, e.action) }

// idTime returns the time in the id.
func (e *entry) idTime() time.Time { return time.Unix(e.id.Time().UnixTime()) }

func (e *entry) ok() bool { return e.outcome == audit.OK }

// member returns a member of the state before or after an act. It is the zero value if there is no such member.
func member[T any](state []byte, name string) (value T) {
	var members map[string]json.RawMessage
	if json.Unmarshal(state, &members) == nil {
		_ = json.Unmarshal(members[name], &value)
	}
	return value
}

// othersSQL reads the entries whose target is not a user.
const othersSQL = `
	SELECT ` + entryColumns + ` FROM audit a
	WHERE NOT EXISTS (SELECT FROM users u WHERE u.id = a.target) ORDER BY a.id`

// checkOthers checks the entries whose target is not a user.
func (t *trail) checkOthers(ctx context.Context) error {
	rows, err := t.snapshot.Query(ctx, othersSQL)
	if err != nil {
		return err
	}
	var e entry
	_, err = pgx.ForEachRow(rows, e.columns(), func() error {
		t.checkEntry(&e, "")
		return nil
	})
	return err
}

// repeatsSQL reads the targets of acts that are recorded at most once.
const repeatsSQL = `
	SELECT action, target, count(*) FROM audit
	WHERE action IN ('CREATE_PROMOTION', 'MARK_ANOMALY_SEEN') AND outcome = 'OK'
	GROUP BY action, target HAVING count(*) > 1 ORDER BY action, target`

// checkRepeats reports acts that are recorded again although they happen once for each target.
func (t *trail) checkRepeats(ctx context.Context) error {
	rows, err := t.snapshot.Query(ctx, repeatsSQL)
	if err != nil {
		return err
	}
	var action string
	var target uuid.UUID
	var n int
	_, err = pgx.ForEachRow(rows, []any{&action, (*columns.UUID)(&target), &n}, func() error {
		t.violationf("%d entries record %s of %s, want 1", n, action, target)
		return nil
	})
	return err
}
