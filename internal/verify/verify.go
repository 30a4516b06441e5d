// Package verify checks the invariants of the platform across the databases of all services:
//
//   - Each balance is the sum of the user's transactions.
//   - Each transaction has the MAC that the ledger gave it, in the order in which it was added.
//   - No promotional credit was added after a restriction of the player refused it. Promotions has the same restrictions as
//     users.
//   - Promotions knows each player.
//   - Each claimed assignment was paid by exactly one credit, and each credit for a claim belongs to a claimed assignment.
//   - The counters of each promotion equal its assignments, and its claims do not exceed its limits. No reservation of a
//     claim is left.
//   - Each job has made the assignments that it has counted.
//   - Each assignment has exactly one notification, or none if a restriction muted it, and each player's notification
//     sequence has no gap and no duplicate.
//   - Each entry of the audit trail is one that the platform records, and its effect exists. Each registration of an
//     employee, reversal, second factor and status of a user has its entries.
//   - No event waits in an outbox, and there are no dead letters.
//
// The checks only read. They stream the rows in key order, so memory does not grow with the tables. They can run while the
// platform is working: an inconsistency that the platform repairs is not reported until it is older than the repair delay.
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
	"github.com/casino-loyalty/loyalty/internal/ledgerchain"
	"github.com/casino-loyalty/loyalty/internal/printable"
)

// Notification is the part of a stored notification that the checks use.
type Notification struct {
	UserID    uuid.UUID
	Seq       int64
	Type      string
	ContentID string // the id of the promotion, if Type is "promotion"
}

// Sources are the databases and the bus that Run reads.
type Sources struct {
	Users, Promotions *pgxpool.Pool
	// LedgerKeys verify the MACs of the ledger's entries.
	LedgerKeys ledgerchain.Keys
	// Notifications calls yield for every stored notification, ordered by user and sequence number.
	Notifications func(ctx context.Context, yield func(Notification) error) error
	// DeadLetters returns, for each topic, the number of dead letters that have not been replayed, or NoTopic.
	DeadLetters func(ctx context.Context) (map[string]int64, error)
}

// NoTopic is the number of dead letters of a topic if the topic of its dead letters does not exist.
const NoTopic = -1

// Options configure Run.
type Options struct {
	// Delay is the repair delay. An inconsistency that a repair, the relay or a consumer can fix is a violation only if it is
	// older than Delay.
	Delay time.Duration
	// Now is the time from which ages are measured.
	Now time.Time
	// DeadLetters is the maximum number of dead letters that is not a violation.
	DeadLetters int64
}

// check is a check of Run. It reports violations to the report and returns what it has examined.
type check struct {
	name string
	run  func(context.Context, Sources, *report) (string, error)
}

// Run runs all checks. It writes a summary of each check and every violation to out, and returns the number of violations.
// It stops and returns an error if a check could not be completed.
func Run(ctx context.Context, s Sources, o Options, out io.Writer) (int, error) {
	r := &report{out: out, now: o.Now, cutoff: o.Now.Add(-o.Delay)}
	for _, check := range []check{
		{"ledger", ledger},
		{"restrictions", restrictions},
		{"players", players},
		{"restricted", restricted},
		{"claims", claims},
		{"limits", limits},
		{"jobs", jobs},
		{"notifications", notifications},
		{"audit trail", auditTrail},
		{"outboxes", outboxes},
		{"dead letters", func(ctx context.Context, s Sources, r *report) (string, error) {
			return deadLetters(ctx, s, r, o.DeadLetters)
		}},
	} {
		r.check, r.found = check.name, 0
		summary, err := check.run(ctx, s, r)
		if err != nil {
			return r.total, fmt.Errorf("check %s: %w", check.name, err)
		}
		result := "ok"
		if r.found > 0 {
			result = cli.Count(r.found, "violation", "violations")
		}
		fmt.Fprintf(out, "%-13s  %s: %s\n", check.name, summary, result)
	}
	if r.total == 0 {
		fmt.Fprintln(out, "no violations found")
	}
	return r.total, nil
}

// maxShown is the maximum number of violations of one check that are written out.
const maxShown = 100

// report counts and writes violations.
type report struct {
	out          io.Writer
	now          time.Time
	cutoff       time.Time // inconsistencies that began later, and that the platform repairs, are not reported
	check        string
	found, total int // violations of the current check, and of all checks
	lost         Lost
}

func (r *report) violationf(format string, args ...any) {
	r.found++
	r.total++
	if r.found <= maxShown {
		fmt.Fprintf(r.out, "VIOLATION %s: %s\n", r.check, printable.Escape(fmt.Sprintf(format, args...)))
	}
	if r.found == maxShown+1 {
		fmt.Fprintf(r.out, "VIOLATION %s: further violations are not shown\n", r.check)
	}
}

// snapshot runs fn in a read-only transaction that sees one snapshot of the database.
func snapshot(ctx context.Context, pool *pgxpool.Pool, fn func(pgx.Tx) error) error {
	return pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, fn)
}
