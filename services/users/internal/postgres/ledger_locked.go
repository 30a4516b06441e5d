package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/casino-loyalty/loyalty/internal/money"
	"github.com/casino-loyalty/loyalty/services/users"
)

// commitLocked commits players in one database transaction with two round trips. The first round trip locks the players'
// rows and reads the existing transactions with the calls' idempotency keys. The second writes and commits. commitLocked
// answers the calls of the players that need no retry, and returns the other players. After an error it returns all players.
//
// The locks prevent changes of the accounts. But between the two round trips an entry of another player can use one of the
// idempotency keys. The statement then does not write the player with this key, and the retry finds the key.
func (l *Ledger) commitLocked(ctx context.Context, players []*playerCalls) (rest []*playerCalls, err error) {
	conn, err := l.pool.Acquire(ctx)
	if err != nil {
		return players, err
	}
	defer conn.Release()
	defer rollback(ctx, conn) // no effect after the commit
	accounts, added, clock, err := lockAccounts(ctx, conn, players)
	if err != nil {
		return players, err
	}
	var done, changed []*playerCalls
	now := l.now()
	for _, p := range players {
		p.apply(l.key, accounts[p.user], added, now, clock)
		if len(p.rows) > 0 {
			changed = append(changed, p)
		} else {
			done = append(done, p)
		}
	}
	if len(changed) > 0 {
		statement, args, err := writeStatement(changed, now)
		if err != nil {
			return players, err
		}
		written, err := writeAndCommit(ctx, conn, changed, statement, args)
		if err != nil {
			return players, err
		}
		changed, rest = split(changed, written)
	}
	l.succeed(append(done, changed...))
	return rest, nil
}

// lockSQL locks players in the order of their ids, to avoid deadlocks. It returns the values of the rows after they are
// locked.
const lockSQL = `SELECT id, (balance * 100)::bigint, entries, ledger_head, is_active, promotions_refused_until
FROM users WHERE id = ANY ($1::uuid[]) AND role = 'PLAYER'
ORDER BY id FOR NO KEY UPDATE`

// keysSQL reads the players' transactions with the given idempotency keys. It must be a separate statement after lockSQL, so
// that its snapshot includes the commits that lockSQL waited for.
const keysSQL = `SELECT ` + transactionColumns + ` FROM transactions WHERE idempotency_key = ANY ($1::text[])`

// lockAccounts begins a database transaction and locks the rows of players. It returns the players' accounts by player id,
// the existing transactions with the calls' idempotency keys by key, and the time of the database after the locks.
func lockAccounts(
	ctx context.Context, conn *pgxpool.Conn, players []*playerCalls,
) (accounts map[uuid.UUID]account, added map[string]users.Transaction, clock time.Time, err error) {
	ids, keys := make([]uuid.UUID, 0, len(players)), make([]string, 0, len(players))
	for _, p := range players {
		ids = append(ids, p.user)
		for _, c := range p.calls {
			keys = append(keys, c.entry.IdempotencyKey)
		}
	}
	accounts, added = map[uuid.UUID]account{}, map[string]users.Transaction{}
	var batch pgx.Batch
	batch.Queue("begin")
	batch.Queue(lockSQL, ids).Query(func(rows pgx.Rows) error {
		var id uuid.UUID
		var balance int64
		a := account{exists: true}
		_, err := pgx.ForEachRow(rows, []any{&id, &balance, &a.entries, &a.head, &a.active, &a.refusedUntil}, func() error {
			a.balance = money.Amount(balance)
			accounts[id] = a
			return nil
		})
		return err
	})
	batch.Queue(keysSQL, keys).Query(func(rows pgx.Rows) error {
		found, err := pgx.CollectRows(rows, scanTransaction)
		for _, tx := range found {
			added[tx.IdempotencyKey] = tx
		}
		return err
	})
	batch.Queue("SELECT clock_timestamp()").QueryRow(func(row pgx.Row) error { return row.Scan(&clock) })
	err = conn.SendBatch(ctx, &batch).Close() // Close runs the functions above
	return accounts, added, clock, err
}

// writeAndCommit runs a statement of writeStatement and commits. Element i of written is true if player i was written.
func writeAndCommit(
	ctx context.Context, conn *pgxpool.Conn, players []*playerCalls, statement string, args []any,
) (written []bool, err error) {
	var batch pgx.Batch
	batch.Queue(statement, args...).Query(func(rows pgx.Rows) (err error) {
		written, err = readWritten(rows, len(players))
		return err
	})
	batch.Queue("commit")
	err = conn.SendBatch(ctx, &batch).Close() // Close runs the function above, which sets written
	return written, err
}

// rollback rolls back the open database transaction, if any. If that fails, the pool closes the connection on release.
func rollback(ctx context.Context, conn *pgxpool.Conn) {
	if !conn.Conn().IsClosed() && conn.Conn().PgConn().TxStatus() != 'I' {
		_, _ = conn.Exec(ctx, "rollback")
	}
}
