package postgres_test

import (
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/casino-loyalty/loyalty/atlas"
	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/internal/money"
	"github.com/casino-loyalty/loyalty/internal/postgrestest"
	"github.com/casino-loyalty/loyalty/services/users"
	"github.com/casino-loyalty/loyalty/services/users/internal/postgres"
)

// books is a ledger's database, and what tests do with it.
type books struct {
	*testing.T
	pool  *pgxpool.Pool
	woken atomic.Int64 // how often a ledger said that there are events
}

func newBooks(t *testing.T) *books {
	t.Helper()
	return &books{T: t, pool: postgrestest.New(t, atlas.Users)}
}

// ledger opens a replica's ledger.
func (b *books) ledger(o postgres.LedgerOptions) *postgres.Ledger {
	b.Helper()
	log := slog.New(slog.NewTextHandler(b.Output(), nil))
	l, err := postgres.NewLedger(b.Context(), b.pool, func() { b.woken.Add(1) }, log, o)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(l.Close)
	return l
}

// user adds a user without entries.
func (b *books) user(role authn.Role, active bool) uuid.UUID {
	b.Helper()
	id := newID(b)
	b.exec(`INSERT INTO users (id, email, email_folded, role, is_active, password_hash, created_at)
		VALUES ($1, $2, $2, $3, $4, '', now())`,
		id, id.String()+"@example.com", role, active)
	return id
}

func (b *books) player() uuid.UUID {
	b.Helper()
	return b.user(authn.RolePlayer, true)
}

func (b *books) exec(sql string, args ...any) {
	b.Helper()
	if _, err := b.pool.Exec(b.Context(), sql, args...); err != nil {
		b.Fatal(err)
	}
}

func (b *books) count(sql string, args ...any) int {
	b.Helper()
	var n int
	if err := b.pool.QueryRow(b.Context(), sql, args...).Scan(&n); err != nil {
		b.Fatal(err)
	}
	return n
}

// add adds e and fails the test unless that works.
func (b *books) add(l *postgres.Ledger, e users.Entry) users.Transaction {
	b.Helper()
	tx, err := l.Add(b.Context(), e)
	if err != nil {
		b.Fatal(err)
	}
	return tx
}

// balance is what a player's row says.
func (b *books) balance(user uuid.UUID) money.Amount {
	b.Helper()
	return money.Amount(b.count(`SELECT (balance * 100)::bigint FROM users WHERE id = $1`, user))
}

// audit checks every invariant of the ledger's tables, and that they hold as many entries as expected.
func (b *books) audit(entries int) {
	b.Helper()
	if n := b.count(`SELECT count(*) FROM transactions`); n != entries {
		b.Errorf("%d transactions, want %d", n, entries)
	}
	for broken, sql := range map[string]string{
		"players whose balance is not the sum of their entries": `
			SELECT count(*) FROM users u LEFT JOIN (
				SELECT user_id, count(*) AS n, sum(CASE type WHEN 'CREDIT' THEN amount ELSE -amount END) AS total
				FROM transactions GROUP BY user_id) t ON t.user_id = u.id
			WHERE u.balance <> coalesce(t.total, 0) OR u.entries <> coalesce(t.n, 0) OR u.balance < 0`,
		"entries that do not continue the one before": `
			SELECT count(*) FROM (
				SELECT seq, balance_after, CASE type WHEN 'CREDIT' THEN amount ELSE -amount END AS change,
					coalesce(lag(seq) OVER w, 0) AS seq_before, coalesce(lag(balance_after) OVER w, 0) AS balance_before
				FROM transactions WINDOW w AS (PARTITION BY user_id ORDER BY seq)) t
			WHERE seq <> seq_before + 1 OR balance_after <> balance_before + change`,
		"entries without their one event": `
			SELECT count(*) FROM transactions t FULL JOIN outbox o ON o.event_id = t.id
			WHERE o.id IS NULL OR t.id IS NULL OR o.key <> t.user_id::text OR o.time <> t.created_at`,
		"events out of the order of the entries": `
			SELECT count(*) FROM (
				SELECT o.id, lag(o.id) OVER (PARTITION BY t.user_id ORDER BY t.seq) AS id_before
				FROM transactions t JOIN outbox o ON o.event_id = t.id) e
			WHERE id < id_before`,
	} {
		if n := b.count(sql); n != 0 {
			b.Errorf("%d %s", n, broken)
		}
	}
}

// terminate kills the ledgers' connections and returns how many there were.
func (b *books) terminate() int {
	b.Helper()
	return b.count(`SELECT count(*) FROM (SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE datname = current_database() AND application_name LIKE 'ledger%') t`)
}

func newID(t testing.TB) uuid.UUID {
	t.Helper()
	id, err := uuid.NewV7()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

var keys atomic.Int64

// entry is one with a key of its own.
func entry(user uuid.UUID, typ users.TransactionType, amount money.Amount) users.Entry {
	return users.Entry{
		UserID: user, Type: typ, Amount: amount,
		Description:    "a test's",
		AdditionalData: map[string]any{"promotionId": "7"},
		IdempotencyKey: fmt.Sprintf("key %d", keys.Add(1)),
	}
}

func credit(user uuid.UUID, amount money.Amount) users.Entry {
	return entry(user, users.TransactionTypeCredit, amount)
}

func debit(user uuid.UUID, amount money.Amount) users.Entry {
	return entry(user, users.TransactionTypeDebit, amount)
}

// patience is how long a test waits for what must happen.
const patience = 30 * time.Second
