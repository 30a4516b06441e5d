package verify

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/internal/cli"
	"github.com/casino-loyalty/loyalty/internal/money"
)

// paid is one side of a claim: the assignment that says it was paid, or the credit that paid it.
type paid struct {
	key    uuid.UUID // the assignment's id
	user   uuid.UUID
	amount money.Amount
	tx     uuid.UUID
	at     time.Time
}

const (
	claimedAssignments = `
		SELECT id, user_id, amount, transaction_id, claimed_at FROM player_promotions WHERE claimed ORDER BY id`
	creditsOfClaims = `
		SELECT idempotency_key::uuid, user_id, amount, id, created_at FROM transactions
		WHERE type = 'CREDIT' AND additional_data ? 'promotionId'
		  AND idempotency_key ~ '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'
		ORDER BY idempotency_key::uuid`
)

// claims sees that every claimed assignment was paid by exactly one credit of its amount, and that every such credit has
// its claimed assignment. Keys are unique on both sides, so one pass over both in order shows all.
func claims(ctx context.Context, s Sources, r *report) (string, error) {
	var claimed, credits int
	// The view of promotions is the older one: a claim in it has its credit in the newer view of users.
	err := snapshot(ctx, s.Promotions, func(promotions pgx.Tx) error {
		left, err := open(ctx, promotions, claimedAssignments)
		if err != nil {
			return err
		}
		defer left.rows.Close()
		return snapshot(ctx, s.Users, func(users pgx.Tx) error {
			right, err := open(ctx, users, creditsOfClaims)
			if err != nil {
				return err
			}
			defer right.rows.Close()
			claimed, credits = merge(left, right, r)
			if err := left.rows.Err(); err != nil {
				return err
			}
			return right.rows.Err()
		})
	})
	return cli.Count(claimed, "claimed assignment", "claimed assignments") + ", " +
		cli.Count(credits, "credit for claims", "credits for claims"), err
}

func merge(left, right *cursor, r *report) (claimed, credits int) {
	for left.ok || right.ok {
		switch order := compare(left, right); {
		case order < 0:
			r.violationf("assignment %s is claimed with transaction %s, and no credit has its key", left.key, left.tx)
			claimed++
			left.next()
		case order > 0:
			if right.at.Before(r.before) {
				r.violationf("transaction %s paid assignment %s, which is not claimed", right.tx, right.key)
			}
			credits++
			right.next()
		default:
			if left.tx != right.tx || left.user != right.user || left.amount != right.amount {
				r.violationf("assignment %s: %s to %s by %s; its credit: %s to %s by %s",
					left.key, left.amount, left.user, left.tx, right.amount, right.user, right.tx)
			}
			claimed++
			credits++
			left.next()
			right.next()
		}
	}
	return claimed, credits
}

func compare(left, right *cursor) int {
	switch {
	case !left.ok:
		return 1
	case !right.ok:
		return -1
	}
	for i := range left.key {
		if left.key[i] != right.key[i] {
			return int(left.key[i]) - int(right.key[i])
		}
	}
	return 0
}

// cursor stands on one row of an ordered query, as long as ok.
type cursor struct {
	paid
	rows pgx.Rows
	ok   bool
}

func open(ctx context.Context, tx pgx.Tx, sql string) (*cursor, error) {
	rows, err := tx.Query(ctx, sql)
	if err != nil {
		return nil, err
	}
	c := &cursor{rows: rows}
	c.next()
	return c, nil
}

func (c *cursor) next() {
	c.ok = c.rows.Next() && c.rows.Scan(&c.key, &c.user, &c.amount, &c.tx, &c.at) == nil
}
