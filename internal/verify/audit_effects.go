package verify

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/casino-loyalty/loyalty/internal/convert/columns"
	"github.com/casino-loyalty/loyalty/internal/money"
)

// reversalsSQL reads the reversals with the entries about them. One side is NULL if the other has no counterpart.
const reversalsSQL = `
	SELECT t.id, t.user_id, t.type, COALESCE(t.amount, 0), t.description, t.created_at, t.additional_data->>'reversedBy',
		COALESCE(t.reverses, a.target), ` + entryColumns + `
	FROM (SELECT * FROM transactions WHERE reverses IS NOT NULL) t
	FULL JOIN (SELECT * FROM audit WHERE action = 'REVERSE_TRANSACTION' AND outcome = 'OK') a ON a.target = t.reverses
	ORDER BY COALESCE(t.reverses, a.target), a.id`

// reversal is a transaction that reverses another one.
type reversal struct {
	id, user, reversed       uuid.UUID
	kind, reason, reversedBy string
	amount                   money.Amount
	createdAt                time.Time
}

// checkReversals checks that each reversal has exactly one entry, with the same content, and that each entry has its
// reversal.
func (t *trail) checkReversals(ctx context.Context) error {
	rows, err := t.snapshot.Query(ctx, reversalsSQL)
	if err != nil {
		return err
	}
	var v reversal
	var e entry
	var recorded uuid.UUID // the last reversal that has an entry
	destinations := append([]any{
		(*columns.UUID)(&v.id), (*columns.UUID)(&v.user), (*columns.Text)(&v.kind), (*columns.Money)(&v.amount),
		(*columns.Text)(&v.reason), (*columns.Time)(&v.createdAt), (*columns.Text)(&v.reversedBy), (*columns.UUID)(&v.reversed),
	}, e.columns()...)
	_, err = pgx.ForEachRow(rows, destinations, func() error {
		switch {
		case v.id == uuid.Nil:
			t.violationf("%s: transaction %s was not reversed", &e, e.target)
		case e.id == uuid.Nil:
			if !v.createdAt.Before(t.complete) {
				t.violationf("transaction %s reverses transaction %s, which no entry records", v.id, v.reversed)
			}
		case v.id == recorded:
			t.violationf("%s: another entry records the reversal of transaction %s, too", &e, v.reversed)
		default:
			recorded = v.id
			if !v.matches(&e) {
				t.violationf("%s: it does not match the reversal %s", &e, v.id)
			}
		}
		return nil
	})
	return err
}

func (v *reversal) matches(e *entry) bool {
	actor := ""
	if e.actor != uuid.Nil {
		actor = e.actor.String()
	}
	return v.user.String() == member[string](e.after, "user_id") && v.kind == member[string](e.after, "type") &&
		v.amount.String() == member[string](e.after, "amount") && v.reason == member[string](e.after, "reason") &&
		v.reversedBy == actor
}

// promotionsSQL reads the entries of promotions.
const promotionsSQL = `
	SELECT ` + entryColumns + ` FROM audit a WHERE a.service = 'promotions' AND a.outcome = 'OK' ORDER BY a.id`

// effectsSQL has a query for each action of promotions. It returns the numbers of the effects, counted from 1, that the
// database does not have. The effects are arrays of their targets, actors and players.
func effectsSQL() map[string]string {
	missing := func(effect string) string {
		return `SELECT e.n FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) WITH ORDINALITY AS e (target, actor, player, n)
			WHERE NOT EXISTS (SELECT FROM ` + effect + `) ORDER BY e.n`
	}
	promotion := missing("promotions p WHERE p.id = e.target")
	job := missing("assignment_jobs j WHERE j.id = e.target")
	return map[string]string{
		"CREATE_PROMOTION":  promotion,
		"UPDATE_PROMOTION":  promotion,
		"PUBLISH_PROMOTION": promotion,
		"PAUSE_PROMOTION":   promotion,
		"RESUME_PROMOTION":  promotion,
		"ARCHIVE_PROMOTION": promotion, // a replica of an older release may activate it again during an upgrade
		// A later assignment of the same promotion replaces the employee.
		"ASSIGN_PROMOTION": missing(`player_promotions a WHERE a.user_id = e.player AND a.promotion_id = e.target
			AND (a.assigned_by = e.actor OR (to_jsonb(a) ->> 'times_assigned')::int > 1)`),
		"REVOKE_ASSIGNMENTS": missing(`player_promotions a WHERE a.user_id = e.player AND a.promotion_id = e.target
			AND (a.revoked_at IS NOT NULL OR a.times_assigned > 1)`),
		"CREATE_ASSIGNMENT_JOB": missing("assignment_jobs j WHERE j.id = e.target AND j.created_by = e.actor"),
		"PAUSE_ASSIGNMENT_JOB":  job,
		"RESUME_ASSIGNMENT_JOB": job,
		"CANCEL_ASSIGNMENT_JOB": missing("assignment_jobs j WHERE j.id = e.target AND j.state = 'CANCELLED'"),
		"MARK_ANOMALY_SEEN":     missing("anomalies a WHERE a.id = e.target AND a.seen_by = e.actor"),
	}
}

// effectsAtOnce is the minimum number of effects in one query. One entry has up to 1000 effects.
const effectsAtOnce = 1000

// effects are effects of one action that the database of promotions must have.
type effects struct {
	entries                  []string
	targets, actors, players []uuid.UUID
}

func (f *effects) add(e *entry, player uuid.UUID) {
	f.entries = append(f.entries, e.String())
	f.targets, f.actors, f.players = append(f.targets, e.target), append(f.actors, e.actor), append(f.players, player)
}

// checkPromotions checks that the effects of the entries of promotions exist. The database of promotions is read after the
// snapshot of users. An act commits before its entry arrives, so the effects of all entries in the snapshot exist.
func (t *trail) checkPromotions(ctx context.Context, promotions *pgxpool.Pool) error {
	rows, err := t.snapshot.Query(ctx, promotionsSQL)
	if err != nil {
		return err
	}
	queries := effectsSQL()
	batches := map[string]*effects{}
	for action := range queries {
		batches[action] = &effects{}
	}
	var e entry
	_, err = pgx.ForEachRow(rows, e.columns(), func() error {
		batch := batches[e.action]
		if batch == nil {
			return nil // checkEntry has reported the entry
		}
		if e.action == "ASSIGN_PROMOTION" || e.action == "REVOKE_ASSIGNMENTS" {
			players := member[[]uuid.UUID](e.after, "players")
			if len(players) == 0 {
				t.violationf("%s: it names no players", &e)
			}
			for _, player := range players {
				batch.add(&e, player)
			}
		} else {
			batch.add(&e, uuid.Nil)
		}
		if len(batch.entries) < effectsAtOnce {
			return nil
		}
		return t.checkEffects(ctx, promotions, queries[e.action], batch)
	})
	if err != nil {
		return err
	}
	for action, batch := range batches {
		if err := t.checkEffects(ctx, promotions, queries[action], batch); err != nil {
			return err
		}
	}
	return nil
}

// checkEffects reports the effects that the database does not have, and empties the batch.
func (t *trail) checkEffects(ctx context.Context, promotions *pgxpool.Pool, sql string, batch *effects) error {
	if len(batch.entries) == 0 {
		return nil // the schema of the previous release may lack the columns
	}
	rows, err := promotions.Query(ctx, sql, batch.targets, batch.actors, batch.players)
	if err != nil {
		return err
	}
	missing, err := pgx.CollectRows(rows, pgx.RowTo[int])
	for _, n := range missing {
		of := ""
		if player := batch.players[n-1]; player != uuid.Nil {
			of = " for player " + player.String()
		}
		t.violationf("%s: promotions has no such effect on %s%s", batch.entries[n-1], batch.targets[n-1], of)
	}
	*batch = effects{}
	return err
}
