package verify

import (
	"bytes"
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/internal/cli"
	"github.com/casino-loyalty/loyalty/internal/money"
)

// payment is a payment of a claim as one database records it: the claimed assignment in promotions, or the credit in users.
type payment struct {
	assignment  uuid.UUID
	user        uuid.UUID
	amount      money.Amount
	transaction uuid.UUID
	at          time.Time
}

const (
	claimedAssignments = `
		SELECT id, user_id, amount, transaction_id, claimed_at FROM player_promotions WHERE claimed ORDER BY id`
	claimCredits = `
		SELECT idempotency_key::uuid, user_id, amount, id, created_at FROM transactions
		WHERE type = 'CREDIT' AND additional_data ? 'promotionId'
		  AND idempotency_key ~ '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'
		ORDER BY idempotency_key::uuid`
)

// claims checks that each claimed assignment was paid by exactly one credit of the same amount to the same player, and that
// each credit for a claim belongs to a claimed assignment. Both queries are ordered by the assignment's id, which is unique
// in each database. Therefore one merge finds all differences.
func claims(ctx context.Context, s Sources, r *report) (string, error) {
	var claimed, credits int
	// The snapshot of promotions is taken first: the later snapshot of users contains the credits of all claims in it.
	err := snapshot(ctx, s.Promotions, func(promotions pgx.Tx) error {
		assignments, err := query(ctx, promotions, claimedAssignments)
		if err != nil {
			return err
		}
		defer assignments.rows.Close()
		return snapshot(ctx, s.Users, func(users pgx.Tx) error {
			payments, err := query(ctx, users, claimCredits)
			if err != nil {
				return err
			}
			defer payments.rows.Close()
			claimed, credits = merge(assignments, payments, r)
			if err := assignments.rows.Err(); err != nil {
				return err
			}
			return payments.rows.Err()
		})
	})
	return cli.Count(claimed, "claimed assignment", "claimed assignments") + ", " +
		cli.Count(credits, "credit for claims", "credits for claims"), err
}

// merge compares the two sides, reports the differences, and returns the number of rows of each side.
func merge(assignments, payments *cursor, r *report) (claimed, credits int) {
	for assignments.ok || payments.ok {
		switch order := compare(assignments, payments); {
		case order < 0:
			r.violationf("assignment %s of user %s is claimed with transaction %s, but the ledger has no credit for it",
				assignments.assignment, assignments.user, assignments.transaction)
			claimed++
			assignments.next()
		case order > 0:
			if payments.at.Before(r.cutoff) {
				r.violationf("transaction %s of user %s paid assignment %s, which is not claimed",
					payments.transaction, payments.user, payments.assignment)
				r.lost.Transactions = append(r.lost.Transactions, payments.transaction)
			}
			credits++
			payments.next()
		default:
			a, p := assignments, payments
			if a.transaction != p.transaction || a.user != p.user || a.amount != p.amount {
				r.violationf("assignment %s of %s to user %s with transaction %s does not match "+
					"its credit of %s to user %s with transaction %s",
					a.assignment, a.amount, a.user, a.transaction, p.amount, p.user, p.transaction)
			}
			claimed++
			credits++
			assignments.next()
			payments.next()
		}
	}
	return claimed, credits
}

// compare orders two cursors by assignment. A cursor at its end is greater than all others.
func compare(a, b *cursor) int {
	switch {
	case !a.ok:
		return 1
	case !b.ok:
		return -1
	}
	return bytes.Compare(a.assignment[:], b.assignment[:])
}

// cursor is the current row of an ordered query. At the end, and after an error, ok is false.
type cursor struct {
	payment
	rows pgx.Rows
	ok   bool
}

func query(ctx context.Context, tx pgx.Tx, sql string) (*cursor, error) {
	rows, err := tx.Query(ctx, sql)
	if err != nil {
		return nil, err
	}
	c := &cursor{rows: rows}
	c.next()
	return c, nil
}

func (c *cursor) next() {
	c.ok = c.rows.Next() && c.rows.Scan(&c.assignment, &c.user, &c.amount, &c.transaction, &c.at) == nil
}
