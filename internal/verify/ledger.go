package verify

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/internal/cli"
	"github.com/casino-loyalty/loyalty/internal/money"
)

// ledger sees that every balance is the sum of its entries, and that each entry continues the one before.
func ledger(ctx context.Context, s Sources, r *report) (string, error) {
	var users, entries int64
	err := snapshot(ctx, s.Users, func(tx pgx.Tx) error {
		var u account
		var seen uuid.UUID
		rows, err := tx.Query(ctx, `
			SELECT u.id, u.balance, u.entries, t.id IS NOT NULL, COALESCE(t.seq, 0), COALESCE(t.type, ''),
			       COALESCE(t.amount, 0), COALESCE(t.balance_after, 0)
			FROM users u LEFT JOIN transactions t ON t.user_id = u.id ORDER BY u.id, t.seq`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var next account
			var entry entry
			var has bool
			if err := rows.Scan(&next.id, &next.balance, &next.entries, &has, &entry.seq, &entry.kind,
				&entry.amount, &entry.after); err != nil {
				return err
			}
			if next.id != seen {
				u.close(r)
				u, seen = next, next.id
				users++
			}
			if has {
				u.add(r, entry)
				entries++
			}
		}
		u.close(r)
		return rows.Err()
	})
	return cli.Count(users, "user", "users") + ", " + cli.Count(entries, "entry", "entries"), err
}

// account is a user while its entries pass by.
type account struct {
	id           uuid.UUID
	balance, sum money.Amount
	entries, seq int64
}

type entry struct {
	seq           int64
	kind          string
	amount, after money.Amount
}

func (a *account) add(r *report, e entry) {
	switch e.kind {
	case "CREDIT":
		a.sum += e.amount
	case "DEBIT":
		a.sum -= e.amount
	default:
		r.violationf("user %s: entry %d is of type %q", a.id, e.seq, e.kind)
	}
	if a.seq++; e.seq != a.seq {
		r.violationf("user %s: entry %d stands where entry %d belongs", a.id, e.seq, a.seq)
		a.seq = e.seq
	}
	if e.after != a.sum {
		r.violationf("user %s: entry %d says balance %s, the entries up to it give %s", a.id, e.seq, e.after, a.sum)
		a.sum = e.after
	}
	if a.sum < 0 {
		r.violationf("user %s: entry %d leaves a negative balance %s", a.id, e.seq, a.sum)
	}
}

func (a *account) close(r *report) {
	if a.id == uuid.Nil {
		return
	}
	if a.balance != a.sum {
		r.violationf("user %s: balance %s, the entries give %s", a.id, a.balance, a.sum)
	}
	if a.balance < 0 {
		r.violationf("user %s: negative balance %s", a.id, a.balance)
	}
	if a.entries != a.seq {
		r.violationf("user %s: counts %d entries, has %d", a.id, a.entries, a.seq)
	}
}
