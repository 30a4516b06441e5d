// Package verify checks, over the databases of all services, what must hold whatever crashed: the ledger adds up, what was
// claimed was paid once and what was paid is claimed, every assignment was announced once, and nothing is stuck. It only
// reads, streams in the order of keys, and can run against a platform at work: what is younger than the repair delay is
// given the time that repairs take.
package verify

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/casino-loyalty/loyalty/internal/cli"
)

// Notification is what the checks need of a stored notification.
type Notification struct {
	UserID  uuid.UUID
	Seq     int64
	Type    string
	Content string // the id of what it tells of
}

// Sources are the databases that are looked at.
type Sources struct {
	Users, Promotions *pgxpool.Pool
	// Notifications yields every stored notification, ordered by user and sequence number.
	Notifications func(ctx context.Context, yield func(Notification) error) error
	// DeadLetters counts the dead letters of each topic that were not replayed.
	DeadLetters func(ctx context.Context) (map[string]int64, error)
}

// Options bound what is forgiven.
type Options struct {
	// Delay is how old an inconsistency must be to count that a repair, a relay or a consumer under way would mend.
	Delay time.Duration
	// Now is the instant that ages are measured from.
	Now time.Time
	// DeadLetters is how many dead letters were put there on purpose.
	DeadLetters int64
}

// Run makes every check, writes what it looked at and each violation to out, and returns the number of violations. The
// error is of a check that could not be made.
func Run(ctx context.Context, s Sources, o Options, out io.Writer) (int, error) {
	r := &report{out: out, before: o.Now.Add(-o.Delay)}
	for _, check := range []struct {
		name string
		run  func(context.Context, Sources, *report) (string, error)
	}{
		{"ledger", ledger},
		{"claims", claims},
		{"notifications", notifications},
		{"outboxes", outboxes},
		{"dead letters", func(ctx context.Context, s Sources, r *report) (string, error) {
			return deadLetters(ctx, s, r, o.DeadLetters)
		}},
	} {
		r.check, r.found = check.name, 0
		looked, err := check.run(ctx, s, r)
		if err != nil {
			return r.total, fmt.Errorf("check of %s: %w", check.name, err)
		}
		verdict := "ok"
		if r.found > 0 {
			verdict = cli.Count(r.found, "violation", "violations")
		}
		fmt.Fprintf(out, "%-13s  %s: %s\n", check.name, looked, verdict)
	}
	if r.total == 0 {
		fmt.Fprintln(out, "no violations found")
	}
	return r.total, nil
}

// shown bounds how many violations of one check are written out.
const shown = 100

type report struct {
	out          io.Writer
	before       time.Time
	check        string
	found, total int
}

func (r *report) violationf(format string, args ...any) {
	r.found++
	r.total++
	if r.found <= shown {
		fmt.Fprintf(r.out, "VIOLATION %s: %s\n", r.check, fmt.Sprintf(format, args...))
	}
	if r.found == shown+1 {
		fmt.Fprintf(r.out, "VIOLATION %s: … and more\n", r.check)
	}
}

// snapshot runs fn on one consistent view of a database.
func snapshot(ctx context.Context, pool *pgxpool.Pool, fn func(pgx.Tx) error) error {
	return pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, fn)
}

// outboxes sees that nothing waits to be published for longer than the delay.
func outboxes(ctx context.Context, s Sources, r *report) (string, error) {
	for _, service := range []struct {
		name string
		pool *pgxpool.Pool
	}{{"users", s.Users}, {"promotions", s.Promotions}} {
		var waiting int64
		var oldest *time.Time
		const sql = "SELECT count(*), min(time) FROM outbox WHERE time < $1"
		err := service.pool.QueryRow(ctx, sql, r.before).Scan(&waiting, &oldest)
		if err != nil {
			return "", err
		}
		if waiting > 0 {
			r.violationf("%d events of %s wait to be published, the oldest since %s",
				waiting, service.name, oldest.UTC().Format(time.RFC3339))
		}
	}
	return "users and promotions", nil
}

// deadLetters sees that no event was given up, but those put aside on purpose.
func deadLetters(ctx context.Context, s Sources, r *report, allowed int64) (string, error) {
	depths, err := s.DeadLetters(ctx)
	if err != nil {
		return "", err
	}
	var sum int64
	for _, n := range depths {
		sum += n
	}
	if sum > allowed {
		for topic, n := range depths {
			if n > 0 {
				r.violationf("%d events of topic %s were given up", n, topic)
			}
		}
	}
	return cli.Count(len(depths), "topic", "topics") + ", " + cli.Count(sum, "dead letter", "dead letters"), nil
}
