package postgres

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/backoff"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	"github.com/casino-loyalty/loyalty/services/users"
)

// maxAttempts is the maximum number of attempts to commit a group, or a single call, under locks.
const maxAttempts = 6

// retryDelays returns the delays between attempts while the database is unavailable. The delays between maxAttempts attempts
// add up to about two seconds, so that the database can restart in the meantime.
func retryDelays() *backoff.Delays {
	return backoff.Policy{Initial: 60 * time.Millisecond, Max: time.Second, Jitter: 0.3}.Delays()
}

// commit commits a group and answers all its calls.
func (l *Ledger) commit(group []*playerCalls) {
	rest, err := l.commitOptimistic(group)
	if err != nil {
		level := slog.LevelWarn
		if postgres.Unavailable(err) {
			level = slog.LevelDebug // readiness logs the outage
		}
		l.log.Log(context.Background(), level, "ledger: optimistic commit failed, retrying under locks",
			"players", len(rest), "error", err)
	}
	if len(rest) > 0 {
		l.retryLocked(rest)
	}
}

// commitOptimistic commits a group with cached accounts. If the cached account of a player equals the stored account,
// commitOptimistic writes the player and answers the player's calls. It returns the other players.
//
// It writes nothing and returns the whole group if a player is not cached or a call is refused. A refused call writes no
// row, so the statement cannot check that the cached account was current. Committing only the other players here would not
// help, because the rest would need a second commit under locks.
//
// After an error it returns the whole group. The commit may have succeeded despite the error. In this case the retry finds
// the idempotency keys and returns the existing transactions.
func (l *Ledger) commitOptimistic(group []*playerCalls) (rest []*playerCalls, err error) {
	added := map[string]users.Transaction{}
	now := l.now()
	for _, p := range group {
		before, ok := l.cache.get(p.user)
		if !ok || !p.apply(l.key, before, added, now, now) {
			return group, nil
		}
	}
	statement, args, err := writeStatement(group, now)
	if err != nil {
		return group, err
	}
	ctx, cancel := l.withTimeout()
	defer cancel()
	var written []bool
	err = l.pool.AcquireFunc(ctx, func(conn *pgxpool.Conn) error {
		rows, err := conn.Query(ctx, statement, args...)
		if err == nil {
			written, err = readWritten(rows, len(group))
		}
		return err
	})
	if err != nil {
		return group, err
	}
	done, rest := split(group, written)
	l.succeed(done)
	return rest, nil
}

// split divides players into those that were written and the rest.
func split(players []*playerCalls, written []bool) (done, rest []*playerCalls) {
	for i, p := range players {
		if written[i] {
			done = append(done, p)
		} else {
			rest = append(rest, p)
		}
	}
	return done, rest
}

// retryLocked commits players under locks and answers their calls. After a conflict with another database session it retries
// at once. While the database is unavailable it retries after a delay. After any other error, including a lock timeout, it
// commits each call alone, so that only the calls that cause the error fail.
func (l *Ledger) retryLocked(players []*playerCalls) {
	ctx, cancel := l.withTimeout()
	defer cancel()
	delays := retryDelays()
	for attempt := 1; ; attempt++ {
		rest, err := l.commitLocked(ctx, players)
		if err == nil && len(rest) == 0 {
			return
		}
		players = rest
		last := attempt == maxAttempts || ctx.Err() != nil
		switch {
		case !last && isConflict(err):
		case !last && postgres.Unavailable(err) && !postgres.LockTimedOut(err):
			_ = delays.Sleep(ctx) // if ctx ends, the next attempt is the last one
		case !last && countCalls(players) > 1:
			l.commitSeparately(players)
			return
		default:
			l.fail(players, err)
			return
		}
	}
}

// commitSeparately commits each call alone. It skips a call if its context has ended. Otherwise each call of a locked player
// would wait for the lock timeout and delay the calls after it.
func (l *Ledger) commitSeparately(players []*playerCalls) {
	for _, p := range players {
		for _, single := range p.separate() {
			if c := single.calls[0]; c.ctx.Err() != nil {
				c.tx, c.err = users.Transaction{}, c.ctx.Err()
				l.answer([]*playerCalls{single})
				continue
			}
			l.retryLocked([]*playerCalls{single})
		}
	}
}

// succeed updates the cache after a commit, calls wake if rows were written, counts the rows and answers the calls.
func (l *Ledger) succeed(players []*playerCalls) {
	wrote := false
	if len(players) > 0 {
		l.options.Observer.Committed(countCalls(players))
	}
	for _, p := range players {
		wrote = wrote || len(p.rows) > 0
		for _, r := range p.rows {
			l.options.Observer.Added(r.tx.Type, r.tx.Amount)
		}
		if p.after.active {
			l.cache.put(p.user, p.before, p.after)
		} else {
			l.cache.remove(p.user)
		}
	}
	if wrote {
		l.wake()
	}
	l.answer(players)
}

// fail answers the calls of players with an error. err is the error of the last attempt. It is nil if that attempt skipped
// players because of a conflict.
func (l *Ledger) fail(players []*playerCalls, err error) {
	if isConflict(err) || postgres.Unavailable(err) {
		err = apperr.New(apperr.DependencyUnavailable, "the ledger's database is unavailable").WithCause(err)
	} else {
		err = fmt.Errorf("add transaction: %w", err)
	}
	level := slog.LevelError
	if apperr.CodeOf(err) == apperr.DependencyUnavailable {
		level = slog.LevelDebug // readiness logs the outage, and each call its failure
	}
	l.log.Log(context.Background(), level, "ledger: commit failed", "calls", countCalls(players), "error", err)
	for _, p := range players {
		l.cache.remove(p.user)
		for _, c := range p.calls {
			c.tx, c.err = users.Transaction{}, err
		}
	}
	l.answer(players)
}

// withTimeout returns the context of a stage of a commit. It does not depend on the contexts of the callers, because a group
// contains calls of many callers.
func (l *Ledger) withTimeout() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), l.options.Timeout)
}

func countCalls(players []*playerCalls) int {
	n := 0
	for _, p := range players {
		n += len(p.calls)
	}
	return n
}

// isConflict reports whether a commit failed because another database session wrote an idempotency key or an account first.
// An immediate retry may then succeed. err is the database's error if the commit was rolled back. It is nil if the commit
// succeeded but skipped players, which is also a conflict.
func isConflict(err error) bool {
	return err == nil || postgres.Duplicate(err) || postgres.Conflict(err)
}

// readWritten reads the result of writeSQL for n players. Element i of the slice is true if player i was written.
func readWritten(rows pgx.Rows, n int) ([]bool, error) {
	written := make([]bool, n)
	var i int32
	_, err := pgx.ForEachRow(rows, []any{&i}, func() error {
		written[i-1] = true
		return nil
	})
	return written, err
}
