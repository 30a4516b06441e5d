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

// attempts limits how often a group is written under locks.
const attempts = 6

// retryDelays returns the delays between attempts while the database is unavailable. Together they are long enough for it to
// restart.
func retryDelays() *backoff.Delays {
	return backoff.Policy{Initial: 60 * time.Millisecond, Max: time.Second, Jitter: 0.3}.Delays()
}

// commit brings every call of a group to its answer.
func (l *Ledger) commit(group []*work) {
	rest, err := l.optimistic(group)
	if err != nil {
		l.log.Warn("ledger: a group is tried again under locks", "players", len(rest), "error", err)
	}
	if len(rest) > 0 {
		l.commitExactly(rest)
	}
}

// optimistic writes a group that can be settled from what is remembered, answers the works that the statement's comparison
// confirms, and returns the others. A refusal, which writes nothing, is never confirmed. A group that has such or unknown
// players is returned as it is: two commits would take longer than one under locks.
//
// After an error all are returned. It may hide a commit: under locks the keys tell.
func (l *Ledger) optimistic(group []*work) (rest []*work, err error) {
	known := map[string]users.Transaction{}
	now := l.now()
	for _, w := range group {
		before, ok := l.accounts.expect(w.user)
		if !ok || !w.settle(before, known, now) {
			return group, nil
		}
	}
	ctx, cancel := l.timeout()
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

// split divides works into those that were written and the others.
func split(works []*work, written []bool) (done, rest []*work) {
	for i, w := range works {
		if written[i] {
			done = append(done, w)
		} else {
			rest = append(rest, w)
		}
	}
	return done, rest
}

// commitExactly answers works under locks. It tries again what others were in the way of, waits a little for a database
// that is away, and when the database refuses something in particular, tries each call alone so that only one fails.
func (l *Ledger) commitExactly(works []*work) {
	ctx, cancel := l.timeout()
	defer cancel()
	delays := retryDelays()
	for attempt := 1; ; attempt++ {
		rest, err := l.exact(ctx, works)
		if err == nil && len(rest) == 0 {
			return
		}
		last := attempt == attempts || ctx.Err() != nil
		switch works = rest; {
		case !last && overtaken(err):
		case !last && postgres.Unavailable(err) && !postgres.LockTimedOut(err):
			_ = delays.Sleep(ctx) // the next attempt is the last one if ctx has ended
		case !last && countCalls(works) > 1:
			l.commitAlone(works)
			return
		default:
			l.fail(works, err)
			return
		}
	}
}

// commitAlone tries each call by itself. Where a player is locked for long each call waits in vain, and those behind it have
// been given up by their callers meanwhile: they are not tried, so that the next group need not wait for them all.
func (l *Ledger) commitAlone(works []*work) {
	for _, w := range works {
		for _, one := range w.alone() {
			if c := one.calls[0]; c.ctx.Err() != nil {
				c.tx, c.err = users.Transaction{}, c.ctx.Err()
				l.finish([]*work{one})
				continue
			}
			l.commitExactly([]*work{one})
		}
	}
}

// succeed answers works whose outcome is durable.
func (l *Ledger) succeed(works []*work) {
	wrote := false
	for _, w := range works {
		wrote = wrote || len(w.rows) > 0
		if w.after.active {
			l.accounts.saw(w.user, w.before, w.after)
		} else {
			l.accounts.forget(w.user)
		}
	}
	if wrote {
		l.wake()
	}
	l.finish(works)
}

// fail answers works that could not be brought to an end.
func (l *Ledger) fail(works []*work, err error) {
	if err == nil || overtaken(err) || postgres.Unavailable(err) {
		err = apperr.New(apperr.DependencyUnavailable, "the ledger's database does not answer").WithCause(err)
	} else {
		err = fmt.Errorf("add transaction: %w", err)
	}
	l.log.Error("ledger: calls failed", "calls", countCalls(works), "error", err)
	for _, w := range works {
		l.accounts.forget(w.user)
		for _, c := range w.calls {
			c.tx, c.err = users.Transaction{}, err
		}
	}
	l.finish(works)
}

func (l *Ledger) timeout() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), l.options.Timeout)
}

func countCalls(works []*work) int {
	n := 0
	for _, w := range works {
		n += len(w.calls)
	}
	return n
}

// overtaken reports whether another session was faster with a key or a lock, so that to look again is enough.
func overtaken(err error) bool {
	return err == nil || postgres.Duplicate(err) || postgres.Conflict(err)
}

// readWritten reads which of n works a write has written.
func readWritten(rows pgx.Rows, n int) ([]bool, error) {
	written := make([]bool, n)
	var i int32
	_, err := pgx.ForEachRow(rows, []any{&i}, func() error {
		written[i-1] = true
		return nil
	})
	return written, err
}
