package postgres

import (
	"encoding/json"
	"log/slog"
	"testing"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/casino-loyalty/loyalty/atlas"
	ent "github.com/casino-loyalty/loyalty/ent/users"
	entuser "github.com/casino-loyalty/loyalty/ent/users/user"
	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/internal/entitytest"
	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/ledgerchain"
	"github.com/casino-loyalty/loyalty/internal/postgres/postgrestest"
	"github.com/casino-loyalty/loyalty/services/users"
)

// testKey returns a new key of the ledger.
func testKey(t *testing.T) ledgerchain.Key {
	t.Helper()
	key, err := ledgerchain.ParseKey(ledgerchain.GenerateKey())
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// createPlayer stores a player with every field set, and returns the player and an ent client.
func createPlayer(t *testing.T, db *pgxpool.Pool, filler *entitytest.Filler) (users.User, *ent.Client) {
	t.Helper()
	sql := stdlib.OpenDBFromPool(db)
	t.Cleanup(func() {
		if err := sql.Close(); err != nil {
			t.Error(err)
		}
	})
	client := ent.NewClient(ent.Driver(entsql.OpenDB(dialect.Postgres, sql)))
	u := users.User{Email: "Player@example.com", Role: authn.RolePlayer}
	filler.Fill(t, &u)
	u.Balance, u.Entries, u.LedgerHead = 0, 0, "" // only a transaction changes them
	if err := setUser(client.User.Create(), u).Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	return u, client
}

// A row that ent writes is read unchanged by ent and by pgx.
func TestUserRows(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, atlas.Users)
	u, client := createPlayer(t, db, new(entitytest.Filler))
	row, err := client.User.Query().Where(entuser.ID(u.ID)).Only(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	entitytest.AssertEqual(t, "ent", userFromRow(row), u)
	read, err := New(db, func() {}).User(t.Context(), u.ID)
	if err != nil {
		t.Fatal(err)
	}
	entitytest.AssertEqual(t, "pgx", read, u)
}

// TestTransactionRows checks that writeSQL stores every field of a transaction, and auditedSQL every field of an entry of
// the audit trail. Their columns are not generated.
func TestTransactionRows(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, atlas.Users)
	var filler entitytest.Filler
	u, client := createPlayer(t, db, &filler)
	tx := users.Transaction{UserID: u.ID, Type: users.TransactionTypeCredit}
	filler.Fill(t, &tx)
	tx.Seq, tx.BalanceAfter, tx.Reverses = 1, tx.Amount, uuid.Nil // the first entry of the player
	entry := users.AuditEntry{Action: users.AuditActionReverseTransaction}
	filler.Fill(t, &entry)
	data, err := json.Marshal(tx.AdditionalData)
	if err != nil {
		t.Fatal(err)
	}
	before := account{refusedUntil: u.PromotionsRefusedUntil, exists: true, active: true}
	after := account{balance: tx.BalanceAfter, entries: tx.Seq, head: tx.Mac, exists: true, active: true}
	p := &playerCalls{user: u.ID, outcome: outcome{before: before, after: after, rows: []row{
		{tx: tx, data: data, event: event.Event{Key: u.ID.String(), Data: []byte("payload")}, audit: &entry},
	}}}
	ledger, err := NewLedger(t.Context(), db, testKey(t), func() {}, slog.New(slog.DiscardHandler), LedgerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer ledger.Close()
	statement, args, err := writeStatement([]*playerCalls{p}, tx.CreatedAt)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := ledger.pool.Query(t.Context(), statement, args...)
	if err != nil {
		t.Fatal(err)
	}
	if written, err := readWritten(rows, 1); err != nil || !written[0] {
		t.Fatalf("got written %v, %v, want true", written, err)
	}
	if rows, err = db.Query(t.Context(), "SELECT "+transactionColumns+" FROM transactions"); err != nil {
		t.Fatal(err)
	}
	got, err := pgx.CollectExactlyOneRow(rows, scanTransaction)
	if err != nil {
		t.Fatal(err)
	}
	entitytest.AssertEqual(t, "transaction", got, tx)
	entitytest.AssertEqual(t, "audit entry", onlyAuditEntry(t, db), entry)
	stored, err := client.User.Get(t.Context(), u.ID)
	if err != nil {
		t.Fatal(err)
	}
	if stored.Balance != tx.BalanceAfter || stored.Entries != tx.Seq || stored.LedgerHead != tx.Mac {
		t.Errorf("the player has the balance %s, %d entries and the head %s, want those of %+v",
			stored.Balance, stored.Entries, stored.LedgerHead, tx)
	}
}

func TestAuditRows(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, atlas.Users)
	entry := users.AuditEntry{Action: users.AuditActionLogin}
	new(entitytest.Filler).Fill(t, &entry)
	for range 2 { // a repeated entry is ignored
		if err := New(db, func() {}).AddAuditEntry(t.Context(), entry); err != nil {
			t.Fatal(err)
		}
	}
	entitytest.AssertEqual(t, "audit entry", onlyAuditEntry(t, db), entry)
}

func onlyAuditEntry(t *testing.T, db *pgxpool.Pool) users.AuditEntry {
	t.Helper()
	rows, err := db.Query(t.Context(), "SELECT "+auditEntryColumns+" FROM audit")
	if err != nil {
		t.Fatal(err)
	}
	e, err := pgx.CollectExactlyOneRow(rows, scanAuditEntry)
	if err != nil {
		t.Fatal(err)
	}
	return e
}
