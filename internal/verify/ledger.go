package verify

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/internal/cli"
	"github.com/casino-loyalty/loyalty/internal/money"
)

// ledger checks that each balance is the sum of the user's transactions, and that each balance_after is the sum of the
// transactions up to it. It also reports negative balances and gaps in the sequence numbers.
func ledger(ctx context.Context, s Sources, r *report) (string, error) {
	var users, transactions int64
	err := snapshot(ctx, s.Users, func(tx pgx.Tx) error {
		var current account
		rows, err := tx.Query(ctx, `
			SELECT u.id, u.balance, u.entries, t.id, COALESCE(t.seq, 0), COALESCE(t.type, ''),
			       COALESCE(t.amount, 0), COALESCE(t.balance_after, 0)
			FROM users u LEFT JOIN transactions t ON t.user_id = u.id ORDER BY u.id, t.seq`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var next account
			var id *uuid.UUID // nil for a user without transactions
			var t transaction
			if err := rows.Scan(&next.user, &next.balance, &next.entries, &id, &t.seq, &t.kind, &t.amount, &t.after); err != nil {
				return err
			}
			if next.user != current.user {
				current.finish(r)
				current = next
				users++
			}
			if id != nil {
				t.id = *id
				current.add(r, t)
				transactions++
			}
		}
		current.finish(r)
		return rows.Err()
	})
	return cli.Count(users, "user", "users") + ", " + cli.Count(transactions, "transaction", "transactions"), err
}

// account is a user and the state after the transactions that were read so far.
type account struct {
	user         uuid.UUID
	balance      money.Amount // stored in users
	entries      int64        // stored in users
	sum          money.Amount
	lastSequence int64
}

type transaction struct {
	id            uuid.UUID
	seq           int64
	kind          string
	amount, after money.Amount
}

// add checks the next transaction of the account. After a violation it continues with the values of t, so that each problem
// is reported once.
func (a *account) add(r *report, t transaction) {
	switch t.kind {
	case "CREDIT":
		a.sum += t.amount
	case "DEBIT":
		a.sum -= t.amount
	default:
		r.violationf("user %s, transaction %s: unknown type %q", a.user, t.id, t.kind)
	}
	if a.lastSequence++; t.seq != a.lastSequence {
		r.violationf("user %s, transaction %s: sequence number is %d, want %d", a.user, t.id, t.seq, a.lastSequence)
		a.lastSequence = t.seq
	}
	if t.after != a.sum {
		r.violationf("user %s, transaction %s: balance_after is %s, but the transactions up to it sum to %s",
			a.user, t.id, t.after, a.sum)
		a.sum = t.after
	}
	if a.sum < 0 {
		r.violationf("user %s, transaction %s: the balance is negative: %s", a.user, t.id, a.sum)
	}
}

// finish checks the account after its last transaction.
func (a *account) finish(r *report) {
	if a.user == uuid.Nil {
		return
	}
	if a.balance != a.sum {
		r.violationf("user %s: balance is %s, but the transactions sum to %s", a.user, a.balance, a.sum)
	}
	if a.balance < 0 {
		r.violationf("user %s: balance is negative: %s", a.user, a.balance)
	}
	if a.entries != a.lastSequence {
		r.violationf("user %s: entries is %d, but the last transaction has sequence number %d", a.user, a.entries, a.lastSequence)
	}
}
