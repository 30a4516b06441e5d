package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/backoff"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	"github.com/casino-loyalty/loyalty/services/users"
)

// maxAttempts is the maximum number of attempts to commit a group under locks.
const maxAttempts = 6

// retryDelays returns the delays between attempts while the database is unavailable. Together they are long enough for it to
// restart.
func retryDelays() *backoff.Delays {
	return backoff.Policy{Initial: 60 * time.Millisecond, Max: time.Second, Jitter: 0.3}.Delays()
}

// commit commits a group and answers all its calls.
func (l *Ledger) commit(group []*playerCalls) {
	rest, err := l.commitOptimistic(group)
	if err != nil {
		l.log.Warn("ledger: optimistic commit failed, retrying under locks", "players", len(rest), "error", err)
	}
	if len(rest) > 0 {
		l.retryLocked(rest)
	}
}

// commitOptimistic commits a group with cached accounts. It answers the calls of the players whose cached account was
// correct, and returns the other players.
//
// It returns the whole group without a write if a player is not cached, or if a call is refused: a refusal is not written,
// so no comparison confirms it. Committing a part of the group here would need a second commit under locks.
//
// After an error it returns the whole group. The commit may have succeeded; the retry then finds the idempotency keys.
func (l *Ledger) commitOptimistic(group []*playerCalls) (rest []*playerCalls, err error) {
	added := map[string]users.Transaction{}
	now := l.now()
	for _, p := range group {
		before, ok := l.cache.get(p.user)
		if !ok || !p.apply(before, added, now) {
			return group, nil
		}
	}
	ctx, cancel := l.withTimeout()
	defer cancel()
	var written []bool
	err = l.pool.AcquireFunc(ctx, func(conn *pgxpool.Conn) error {
		rows, err := conn.Query(ctx, writeSQL, writeArgs(group, now)...)
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

// split divides players into the written ones and the others.
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

// retryLocked commits players under locks and answers their calls. It retries immediately after a conflict with another
// session, and after a delay while the database is unavailable. After any other error, or if a lock timed out, it commits
// each call alone, so that only the calls that cause the error fail.
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

// commitSeparately commits each call alone. It skips calls whose callers have given up, because each call of a locked player
// takes as long as the lock timeout and delays the calls after it.
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

// succeed updates the cache after a commit and answers the calls of players.
func (l *Ledger) succeed(players []*playerCalls) {
	wrote := false
	for _, p := range players {
		wrote = wrote || len(p.rows) > 0
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

// fail answers the calls of players with an error. err is nil or a conflict if the attempts were used up.
func (l *Ledger) fail(players []*playerCalls, err error) {
	if isConflict(err) || postgres.Unavailable(err) {
		err = apperr.New(apperr.DependencyUnavailable, "the ledger's database is unavailable").WithCause(err)
	} else {
		err = fmt.Errorf("add transaction: %w", err)
	}
	l.log.Error("ledger: commit failed", "calls", countCalls(players), "error", err)
	for _, p := range players {
		l.cache.remove(p.user)
		for _, c := range p.calls {
			c.tx, c.err = users.Transaction{}, err
		}
	}
	l.answer(players)
}

// withTimeout returns the context of a commit. It is independent of the callers, because a group belongs to many.
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

// isConflict reports whether another session wrote a key or an account first, so that an immediate retry may succeed. err is
// nil if the write skipped players, and the database's error if it rolled back.
func isConflict(err error) bool {
	return err == nil || postgres.Duplicate(err) || postgres.Conflict(err)
}

// readWritten reads the result of writeSQL for n players: which of them were written.
func readWritten(rows pgx.Rows, n int) ([]bool, error) {
	written := make([]bool, n)
	var i int32
	_, err := pgx.ForEachRow(rows, []any{&i}, func() error {
		written[i-1] = true
		return nil
	})
	return written, err
}
