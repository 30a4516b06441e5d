package postgres_test

import (
	"cmp"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/casino-loyalty/loyalty/atlas"
	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1/usersv1event"
	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/internal/dbrole"
	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/ledgerchain"
	"github.com/casino-loyalty/loyalty/internal/money"
	"github.com/casino-loyalty/loyalty/internal/postgres/postgrestest"
	"github.com/casino-loyalty/loyalty/services/users"
	"github.com/casino-loyalty/loyalty/services/users/internal/postgres"
)

// waitTimeout is the maximum time that a test waits for a condition.
const waitTimeout = 30 * time.Second

// fixture is a database with a store. The method replica opens ledgers. Stores and ledgers use the role of the service, and
// pool connects as a superuser.
type fixture struct {
	*testing.T
	pool  *pgxpool.Pool
	role  *pgxpool.Pool // with the role of the service
	store *postgres.Store
	key   ledgerchain.Key
	wakes atomic.Int64 // calls of wake by the store and the ledgers
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	pool, role := postgrestest.NewWithRole(t, atlas.Users, dbrole.Of("users"))
	return newFixtureOn(t, pool, role)
}

func newFixtureOn(t *testing.T, pool, role *pgxpool.Pool) *fixture {
	t.Helper()
	key, err := ledgerchain.ParseKey(ledgerchain.GenerateKey())
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{T: t, pool: pool, role: role, key: key}
	f.store = postgres.New(role, f.wake)
	return f
}

func (f *fixture) wake() { f.wakes.Add(1) }

// replica is the ledger of one replica, with its service.
type replica struct {
	*users.LedgerService
	ledger *postgres.Ledger
}

// replica opens a ledger and closes it at the end of the test. The default timeouts are long, so that a loaded machine does
// not exceed them.
func (f *fixture) replica(o postgres.LedgerOptions) replica {
	f.Helper()
	o.Timeout, o.LockTimeout = cmp.Or(o.Timeout, 2*waitTimeout), cmp.Or(o.LockTimeout, waitTimeout)
	log := slog.New(slog.NewTextHandler(f.Output(), nil))
	l, err := postgres.NewLedger(f.Context(), f.role, f.key, f.wake, log, o)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(l.Close)
	return replica{users.NewLedgerService(l), l}
}

// newUser returns an active user. It does not store the user.
func newUser(t testing.TB, email string, role authn.Role) users.User {
	t.Helper()
	return users.User{
		ID: newID(t), Email: email, EmailFolded: users.FoldEmail(email), Role: role, IsActive: true,
		PasswordHash: "hash of " + email, CreatedAt: time.Now().UTC().Truncate(time.Microsecond),
	}
}

// create stores a new user.
func (f *fixture) create(email string, role authn.Role) users.User {
	f.Helper()
	u := newUser(f, email, role)
	if err := f.store.CreateUser(f.Context(), u); err != nil {
		f.Fatal(err)
	}
	return u
}

// insertUser inserts a user without an event.
func (f *fixture) insertUser(role authn.Role, active bool) uuid.UUID {
	f.Helper()
	id := newID(f)
	f.exec(`INSERT INTO users (id, email, email_folded, role, is_active, password_hash, created_at)
		VALUES ($1, $2, $2, $3, $4, '', now())`,
		id, id.String()+"@example.com", role, active)
	return id
}

// insertPlayer inserts an active player without an event.
func (f *fixture) insertPlayer() uuid.UUID {
	f.Helper()
	return f.insertUser(authn.RolePlayer, true)
}

// insertPlayers inserts n active players without events.
func (f *fixture) insertPlayers(n int) []uuid.UUID {
	f.Helper()
	players := make([]uuid.UUID, n)
	for i := range players {
		players[i] = f.insertPlayer()
	}
	return players
}

func (f *fixture) exec(sql string, args ...any) {
	f.Helper()
	if _, err := f.pool.Exec(f.Context(), sql, args...); err != nil {
		f.Fatal(err)
	}
}

// withoutTriggers runs a statement that the triggers of the database would refuse.
func (f *fixture) withoutTriggers(sql string, args ...any) {
	f.Helper()
	err := pgx.BeginFunc(f.Context(), f.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(f.Context(), "SET LOCAL session_replication_role = replica"); err != nil {
			return err
		}
		_, err := tx.Exec(f.Context(), sql, args...)
		return err
	})
	if err != nil {
		f.Fatal(err)
	}
}

// count returns the number that a query selects.
func (f *fixture) count(sql string, args ...any) int {
	f.Helper()
	var n int
	if err := f.pool.QueryRow(f.Context(), sql, args...).Scan(&n); err != nil {
		f.Fatal(err)
	}
	return n
}

// countTransactions returns the number of transactions of all players.
func (f *fixture) countTransactions() int {
	f.Helper()
	return f.count(`SELECT count(*) FROM transactions`)
}

// balance returns a player's stored balance.
func (f *fixture) balance(user uuid.UUID) money.Amount {
	f.Helper()
	return money.Amount(f.count(`SELECT (balance * 100)::bigint FROM users WHERE id = $1`, user))
}

// mustAdd adds e. It fails the test immediately if an error occurs.
func (f *fixture) mustAdd(r replica, e users.Entry) users.Transaction {
	f.Helper()
	tx, err := r.AddTransaction(f.Context(), e)
	if err != nil {
		f.Fatal(err)
	}
	return tx
}

// add adds e and reports an error. Any goroutine may call it.
func (f *fixture) add(r replica, e users.Entry) {
	f.Helper()
	if _, err := r.AddTransaction(f.Context(), e); err != nil {
		f.Error(err)
	}
}

// checkInvariants checks all invariants of the ledger's tables, and the number of transactions.
func (f *fixture) checkInvariants(transactions int) {
	f.Helper()
	if n := f.countTransactions(); n != transactions {
		f.Errorf("got %d transactions, want %d", n, transactions)
	}
	for violation, sql := range map[string]string{
		"players whose balance is not the sum of their transactions": `
			SELECT count(*) FROM users u LEFT JOIN (
				SELECT user_id, count(*) AS n, sum(CASE type WHEN 'CREDIT' THEN amount ELSE -amount END) AS total
				FROM transactions GROUP BY user_id) t ON t.user_id = u.id
			WHERE u.balance <> coalesce(t.total, 0) OR u.entries <> coalesce(t.n, 0) OR u.balance < 0`,
		"transactions whose number or balance does not follow the previous transaction": `
			SELECT count(*) FROM (
				SELECT seq, balance_after, CASE type WHEN 'CREDIT' THEN amount ELSE -amount END AS change,
					coalesce(lag(seq) OVER w, 0) AS seq_before, coalesce(lag(balance_after) OVER w, 0) AS balance_before
				FROM transactions WINDOW w AS (PARTITION BY user_id ORDER BY seq)) t
			WHERE seq <> seq_before + 1 OR balance_after <> balance_before + change`,
		"transactions without an event, or events without a transaction": `
			SELECT count(*) FROM transactions t FULL JOIN outbox o ON o.event_id = t.id
			WHERE o.id IS NULL OR t.id IS NULL OR o.key <> t.user_id::text OR o.time <> t.created_at`,
		"events that are not in the order of their player's transactions": `
			SELECT count(*) FROM (
				SELECT o.id, lag(o.id) OVER (PARTITION BY t.user_id ORDER BY t.seq) AS id_before
				FROM transactions t JOIN outbox o ON o.event_id = t.id) e
			WHERE id < id_before`,
	} {
		if n := f.count(sql); n != 0 {
			f.Errorf("found %d %s", n, violation)
		}
	}
}

// killConnections terminates the connections of the ledgers and returns their number.
func (f *fixture) killConnections() int {
	f.Helper()
	return f.count(`SELECT count(*) FROM (SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE datname = current_database() AND application_name LIKE 'ledger%') t`)
}

// lock locks a player's row in another session until unlock is called.
func (f *fixture) lock(player uuid.UUID) (unlock func()) {
	f.Helper()
	tx, err := f.pool.Begin(f.Context())
	if err != nil {
		f.Fatal(err)
	}
	if _, err := tx.Exec(f.Context(), `SELECT FROM users WHERE id = $1 FOR UPDATE`, player); err != nil {
		f.Fatal(err)
	}
	return sync.OnceFunc(func() {
		if err := tx.Rollback(f.Context()); err != nil {
			f.Error(err)
		}
	})
}

// waitUntilBlocked waits until a ledger waits for a lock.
func (f *fixture) waitUntilBlocked() {
	f.Helper()
	f.waitUntil(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`)
}

// waitUntil waits until a query returns a number that is not 0.
func (f *fixture) waitUntil(sql string, args ...any) {
	f.Helper()
	deadline := time.After(waitTimeout)
	for f.count(sql, args...) == 0 {
		select {
		case <-deadline:
			f.Fatalf("still 0 after %s: %s", waitTimeout, sql)
		case <-time.After(time.Millisecond):
		}
	}
}

// playerEvents returns the player events in the outbox in order, each as "PLAYER_REGISTERED <user id> <status version>",
// with the kinds of the restrictions if there are any.
func (f *fixture) playerEvents() []string {
	f.Helper()
	rows, err := f.pool.Query(f.Context(), "SELECT topic, key, type, content_type, payload FROM outbox ORDER BY id")
	if err != nil {
		f.Fatal(err)
	}
	defer rows.Close()
	var events []string
	for rows.Next() {
		var e event.Event
		if err := rows.Scan(&e.Topic, &e.Key, &e.Type, &e.ContentType, &e.Data); err != nil {
			f.Fatal(err)
		}
		m, err := usersv1event.DecodePlayerEvent(e)
		if err != nil || m.GetUserId() != e.Key || e.Topic != usersv1event.PlayersTopic ||
			!strings.HasSuffix(e.Type, "."+m.GetEventType().String()) {
			f.Fatalf("got event %+v with payload %v, %v", e, m, err)
		}
		parts := []any{m.GetEventType(), m.GetUserId(), m.GetStatusVersion()}
		for _, r := range m.GetStatus().GetRestrictions() {
			parts = append(parts, r.GetKind())
		}
		events = append(events, strings.TrimSpace(fmt.Sprintln(parts...)))
	}
	if err := rows.Err(); err != nil {
		f.Fatal(err)
	}
	return events
}

func (f *fixture) wantPlayerEvents(want ...string) {
	f.Helper()
	if got := f.playerEvents(); fmt.Sprint(got) != fmt.Sprint(want) {
		f.Errorf("got player events %q, want %q", got, want)
	}
}

// playerEvent returns the text of an event in the format of playerEvents.
func playerEvent(typ usersv1.PlayerEventType, u users.User, statusVersion int, restrictions ...users.RestrictionKind) string {
	parts := []any{typ, u.ID, statusVersion}
	for _, kind := range restrictions {
		parts = append(parts, kind)
	}
	return strings.TrimSpace(fmt.Sprintln(parts...))
}

func newID(t testing.TB) uuid.UUID {
	t.Helper()
	id, err := uuid.NewV7()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// keys is the number of idempotency keys that entry has used.
var keys atomic.Int64

// entry returns an entry with a new idempotency key.
func entry(user uuid.UUID, typ users.TransactionType, amount money.Amount) users.Entry {
	return users.Entry{
		UserID: user, Type: typ, Amount: amount,
		Description:    "test entry",
		AdditionalData: map[string]any{"game": "7"},
		IdempotencyKey: fmt.Sprintf("key %d", keys.Add(1)),
	}
}

func credit(user uuid.UUID, amount money.Amount) users.Entry {
	return entry(user, users.TransactionTypeCredit, amount)
}

func debit(user uuid.UUID, amount money.Amount) users.Entry {
	return entry(user, users.TransactionTypeDebit, amount)
}
