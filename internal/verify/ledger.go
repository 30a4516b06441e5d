package verify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/internal/cli"
	"github.com/casino-loyalty/loyalty/internal/convert/columns"
	"github.com/casino-loyalty/loyalty/internal/ledgerchain"
	"github.com/casino-loyalty/loyalty/internal/money"
)

// ledgerSQL returns the query of all users with their transactions. It reads the additional data as text, because the MAC
// covers the exact numbers in it. It reads the rows in the order of indexes: a sort of the whole ledger would need as much
// space on the disk as the ledger. The parameter purpose is an SQL expression.
func ledgerSQL(purpose string) string {
	return `
	SELECT u.id, u.balance, u.entries, u.ledger_head, t.id, COALESCE(t.seq, 0), COALESCE(t.type, ''), COALESCE(t.amount, 0),
		COALESCE(t.balance_after, 0), COALESCE(t.description, ''), COALESCE(t.additional_data::text, ''), t.created_at,
		COALESCE(t.idempotency_key, ''), t.content_hash, t.reverses, COALESCE(t.mac, ''),
		` + purpose + `
	FROM users u LEFT JOIN transactions t ON t.user_id = u.id ORDER BY u.id, t.seq`
}

// purposeSQL returns an SQL expression for the purpose of the transaction t. It is empty if the database has the schema of
// an older release, which has no purposes.
func purposeSQL(ctx context.Context, tx pgx.Tx) (string, error) {
	known, err := hasColumn(ctx, tx, "transactions", "purpose")
	if err != nil || !known {
		return "''", err
	}
	return "COALESCE(t.purpose, '')", nil
}

// hasColumn reports whether the database has a column. It does not if an older release has migrated it.
func hasColumn(ctx context.Context, tx pgx.Tx, table, column string) (known bool, err error) {
	err = tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_attribute
		WHERE attrelid = to_regclass($1) AND attname = $2 AND NOT attisdropped)`, table, column).Scan(&known)
	return known, err
}

// removedSQL reads the ids of users of whom only transactions are left.
const removedSQL = `
	SELECT DISTINCT user_id FROM transactions t WHERE NOT EXISTS (SELECT FROM users u WHERE u.id = t.user_id)`

// ledger checks number, MAC and balance_after of each transaction, and that each row of the table users matches the user's
// last transaction. It reports a damaged row once.
func ledger(ctx context.Context, s Sources, r *report) (string, error) {
	var users, transactions int64
	err := snapshot(ctx, s.Users, func(tx pgx.Tx) error {
		current := account{}
		purpose, err := purposeSQL(ctx, tx)
		if err != nil {
			return err
		}
		rows, err := tx.Query(ctx, ledgerSQL(purpose))
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			next, t := account{}, transaction{}
			if err := scanLedger(rows, &next, &t); err != nil {
				return err
			}
			if next.user != current.user {
				current.finish(r)
				current = next
				current.trail = []link{{}}
				users++
			}
			if t.ID != uuid.Nil {
				current.add(r, s.LedgerKeys, t)
				transactions++
			}
		}
		current.finish(r)
		if err := rows.Err(); err != nil {
			return err
		}
		return removedUsers(ctx, tx, r)
	})
	return cli.Count(users, "user", "users") + ", " + cli.Count(transactions, "transaction", "transactions"), err
}

// removedUsers reports the users of whom only transactions are left.
func removedUsers(ctx context.Context, tx pgx.Tx, r *report) error {
	rows, err := tx.Query(ctx, removedSQL)
	if err != nil {
		return err
	}
	removed, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	for _, user := range removed {
		r.violationf("user %s has transactions but does not exist", user)
	}
	return err
}

// transaction is a row of the table transactions. Its ID is uuid.Nil for a user without transactions.
type transaction struct {
	ledgerchain.Entry
	mac string
}

func scanLedger(rows pgx.Rows, a *account, t *transaction) error {
	var data []byte
	err := rows.Scan((*columns.UUID)(&a.user), (*columns.Money)(&a.balance), &a.entries, &a.head,
		(*columns.UUID)(&t.ID), &t.Seq, &t.Type, (*columns.Money)(&t.Amount), (*columns.Money)(&t.BalanceAfter), &t.Description,
		&data, (*columns.Time)(&t.CreatedAt), &t.IdempotencyKey, &t.ContentHash, (*columns.UUID)(&t.Reverses), &t.mac, &t.Purpose)
	t.UserID, t.Data = a.user, json.RawMessage(data)
	return err
}

// account is a user and the state after the transactions that were read so far.
type account struct {
	user    uuid.UUID
	balance money.Amount // stored in users, like entries and head
	entries int64
	head    string
	// lastSeq is the number of the last transaction.
	lastSeq int64
	// trail holds the last intact transaction, or the zero value for none, and the damaged transactions after it. It has at
	// most maxTrail elements. The next intact transaction may continue any of them, because damaged rows may be in the wrong
	// order. So damaged rows do not make the intact rows after them look damaged.
	trail []link
}

// link is the state after a transaction.
type link struct {
	mac     string
	balance money.Amount
}

// maxTrail limits the memory for consecutive damaged transactions.
const maxTrail = 1000

// add checks the next transaction of the account.
func (a *account) add(r *report, keys ledgerchain.Keys, t transaction) {
	want := a.lastSeq + 1
	a.lastSeq = t.Seq
	next := link{t.mac, t.BalanceAfter}
	var problem string
	switch err := a.verify(keys, t); {
	case t.Seq > want && errors.Is(err, ledgerchain.ErrMismatch):
		problem = missing(want, t.Seq-1)
	case err != nil:
		problem = err.Error()
	case t.Seq != want:
		problem = fmt.Sprintf("the number is %d, want %d", t.Seq, want)
	case len(a.trail) == 1 && t.BalanceAfter != a.trail[0].balance+change(t):
		problem = fmt.Sprintf("balance_after is %s, want %s", t.BalanceAfter, a.trail[0].balance+change(t))
	default:
		a.trail = []link{next}
		return
	}
	r.violationf("transaction %s of user %s, number %d: %s", t.ID, a.user, t.Seq, problem)
	if len(a.trail) < maxTrail {
		a.trail = append(a.trail, next)
	}
}

func missing(first, last int64) string {
	if first == last {
		return fmt.Sprintf("the transaction with the number %d before it is missing", first)
	}
	return fmt.Sprintf("the transactions with the numbers %d to %d before it are missing", first, last)
}

// verify returns nil if the MAC of t covers one of the links of the trail. It tries the newest links first.
func (a *account) verify(keys ledgerchain.Keys, t transaction) (err error) {
	for _, previous := range slices.Backward(a.trail) {
		err = keys.Verify(t.mac, previous.mac, t.Entry)
		if !errors.Is(err, ledgerchain.ErrMismatch) {
			return err
		}
	}
	return err
}

func change(t transaction) money.Amount {
	if t.Type == "DEBIT" {
		return -t.Amount
	}
	return t.Amount
}

// finish checks the row of the user after the last transaction.
func (a *account) finish(r *report) {
	if a.user == uuid.Nil {
		return
	}
	for _, l := range a.trail {
		if a.entries == a.lastSeq && a.balance == l.balance && a.head == l.mac {
			return
		}
	}
	last := a.trail[len(a.trail)-1]
	var problems []string
	if a.balance != last.balance {
		problems = append(problems, fmt.Sprintf("balance is %s, but the last transaction says %s", a.balance, last.balance))
	}
	if a.entries != a.lastSeq {
		problems = append(problems, fmt.Sprintf("entries is %d, but the last transaction has the number %d", a.entries, a.lastSeq))
	}
	if a.head != last.mac {
		problems = append(problems, "ledger_head is not the MAC of the last transaction")
	}
	r.violationf("user %s: %s", a.user, strings.Join(problems, "; "))
}
