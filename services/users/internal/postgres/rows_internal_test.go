package postgres

import (
	"reflect"
	"testing"
	"time"

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
	"github.com/casino-loyalty/loyalty/internal/columns"
	"github.com/casino-loyalty/loyalty/internal/postgrestest"
	"github.com/casino-loyalty/loyalty/services/users"
)

// What one of ent and pgx writes, both read as it was.
func TestRows(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t, atlas.Users)
	sql := stdlib.OpenDBFromPool(db)
	t.Cleanup(func() {
		if err := sql.Close(); err != nil {
			t.Error(err)
		}
	})
	client := ent.NewClient(ent.Driver(entsql.OpenDB(dialect.Postgres, sql)))
	at := time.Date(2026, 3, 10, 1, 2, 3, 456789000, time.UTC)
	u := users.User{
		ID: uuid.New(), Email: "Player@example.com", Role: authn.RolePlayer, IsActive: true, Balance: 2050, CreatedAt: at,
		PasswordHash: "hash", Entries: 2,
	}
	if err := setUser(client.User.Create(), u).Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	row, err := client.User.Query().Where(entuser.Email("player@EXAMPLE.com")).Only(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := userFromRow(row); got != u {
		t.Errorf("ent reads %+v, want %+v", got, u)
	}
	byPgx := u
	byPgx.ID, byPgx.Email, byPgx.Role, byPgx.IsActive = uuid.New(), "staff@example.com", authn.RoleStaff, false
	_, err = db.Exec(t.Context(), "INSERT INTO users ("+userColumns+") VALUES ("+columns.Placeholders(userColumns, 1)+")",
		userValues(byPgx)...)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := db.Query(t.Context(), "SELECT "+userColumns+" FROM users ORDER BY email")
	if err != nil {
		t.Fatal(err)
	}
	got, err := pgx.CollectRows(rows, scanUser)
	if want := []users.User{u, byPgx}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("pgx reads %+v, %v; want %+v", got, err, want)
	}
	transactionRows(t, db, client, u)
}

func transactionRows(t *testing.T, db *pgxpool.Pool, client *ent.Client, u users.User) {
	t.Helper()
	byEnt := users.Transaction{
		ID: uuid.New(), UserID: u.ID, Type: users.TransactionTypeCredit, Amount: 2050, BalanceAfter: 2050, Description: "d",
		AdditionalData: map[string]any{"promotionId": "x", "nested": map[string]any{"n": 1.5}}, CreatedAt: u.CreatedAt,
		Seq: 1, IdempotencyKey: "a", ContentHash: []byte{0, 255},
	}
	if err := setTransaction(client.Transaction.Create(), byEnt).Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	byPgx := byEnt
	byPgx.ID, byPgx.Seq, byPgx.IdempotencyKey, byPgx.AdditionalData = uuid.New(), 2, "b", nil
	_, err := db.CopyFrom(t.Context(), pgx.Identifier{"transactions"}, columns.Names(transactionColumns),
		pgx.CopyFromRows([][]any{transactionValues(byPgx)}))
	if err != nil {
		t.Fatal(err)
	}
	byPgx.AdditionalData = map[string]any{}
	for _, want := range []users.Transaction{byEnt, byPgx} {
		row, err := client.Transaction.Get(t.Context(), want.ID)
		if err != nil {
			t.Fatal(err)
		}
		if got := transactionFromRow(row); !reflect.DeepEqual(got, want) {
			t.Errorf("ent reads %+v, want %+v", got, want)
		}
		rows, err := db.Query(t.Context(), "SELECT "+transactionColumns+" FROM transactions WHERE id = $1", want.ID)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := pgx.CollectExactlyOneRow(rows, scanTransaction); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("pgx reads %+v, %v; want %+v", got, err, want)
		}
	}
}
