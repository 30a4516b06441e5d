package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/casino-loyalty/loyalty/internal/money"
	"github.com/casino-loyalty/loyalty/services/users"
)

// exact settles works under locks, in one transaction of two round trips: lock the players and look the keys up; write
// and commit. It answers what it settles and returns the rest, which is to be tried again; after an error that is all.
//
// The lock makes the comparison of the write hold. A key can still be taken by an entry of another player in between: then
// its work is not written, and found out the next time.
func (l *Ledger) exact(ctx context.Context, works []*work) (rest []*work, err error) {
	conn, err := l.pool.Acquire(ctx)
	if err != nil {
		return works, err
	}
	defer conn.Release()
	defer rollback(ctx, conn) // does nothing after the commit
	accounts, known, err := lockAccounts(ctx, conn, works)
	if err != nil {
		return works, err
	}
	var done, dirty []*work
	now := l.now()
	for _, w := range works {
		w.settle(accounts[w.user], known, now)
		if len(w.rows) > 0 {
			dirty = append(dirty, w)
		} else {
			done = append(done, w)
		}
	}
	if len(dirty) > 0 {
		written, err := writeAndCommit(ctx, conn, dirty, writeArgs(dirty, now))
		if err != nil {
			return works, err
		}
		dirty, rest = split(dirty, written)
	}
	l.succeed(append(done, dirty...))
	return rest, nil
}

// lockSQL locks in the order of the ids, against deadlocks, and reads what is there once the locks are held.
const lockSQL = `SELECT id, (balance * 100)::bigint, entries, is_active
FROM users WHERE id = ANY ($1::uuid[]) AND role = 'PLAYER'
ORDER BY id FOR NO KEY UPDATE`

// knownSQL runs after lockSQL as a statement of its own, so that its snapshot has all that the locks waited for.
const knownSQL = `SELECT ` + transactionColumns + ` FROM transactions WHERE idempotency_key = ANY ($1::text[])`

// lockAccounts begins a transaction, locks the players of works and reads their accounts and the transactions whose keys
// are in use.
func lockAccounts(
	ctx context.Context, conn *pgxpool.Conn, works []*work,
) (accounts map[uuid.UUID]account, known map[string]users.Transaction, err error) {
	ids, keys := make([]uuid.UUID, 0, len(works)), make([]string, 0, len(works))
	for _, w := range works {
		ids = append(ids, w.user)
		for _, c := range w.calls {
			keys = append(keys, c.entry.IdempotencyKey)
		}
	}
	accounts, known = map[uuid.UUID]account{}, map[string]users.Transaction{}
	var batch pgx.Batch
	batch.Queue("begin")
	batch.Queue(lockSQL, ids).Query(func(rows pgx.Rows) error {
		var id uuid.UUID
		var balance int64
		acc := account{exists: true}
		_, err := pgx.ForEachRow(rows, []any{&id, &balance, &acc.entries, &acc.active}, func() error {
			acc.balance = money.Amount(balance)
			accounts[id] = acc
			return nil
		})
		return err
	})
	batch.Queue(knownSQL, keys).Query(func(rows pgx.Rows) error {
		found, err := pgx.CollectRows(rows, scanTransaction)
		for _, tx := range found {
			known[tx.IdempotencyKey] = tx
		}
		return err
	})
	return accounts, known, conn.SendBatch(ctx, &batch).Close()
}

func writeAndCommit(
	ctx context.Context, conn *pgxpool.Conn, works []*work, args []any,
) (written []bool, err error) {
	var batch pgx.Batch
	batch.Queue(writeSQL, args...).Query(func(rows pgx.Rows) (err error) {
		written, err = readWritten(rows, len(works))
		return err
	})
	batch.Queue("commit")
	err = conn.SendBatch(ctx, &batch).Close() // which reads what was written
	return written, err
}

// rollback ends a transaction that is still open. If it cannot, the release of the connection closes it.
func rollback(ctx context.Context, conn *pgxpool.Conn) {
	if !conn.Conn().IsClosed() && conn.Conn().PgConn().TxStatus() != 'I' {
		_, _ = conn.Exec(ctx, "rollback")
	}
}
