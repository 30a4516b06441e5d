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
	ent "github.com/casino-loyalty/loyalty/ent/promotions"
	"github.com/casino-loyalty/loyalty/internal/columns"
	"github.com/casino-loyalty/loyalty/internal/date"
	"github.com/casino-loyalty/loyalty/internal/postgrestest"
	"github.com/casino-loyalty/loyalty/services/promotions"
)

func openRows(t *testing.T) (*pgxpool.Pool, *ent.Client) {
	t.Helper()
	db := postgrestest.New(t, atlas.Promotions)
	sql := stdlib.OpenDBFromPool(db)
	t.Cleanup(func() {
		if err := sql.Close(); err != nil {
			t.Error(err)
		}
	})
	return db, ent.NewClient(ent.Driver(entsql.OpenDB(dialect.Postgres, sql)))
}

func somePromotion(t *testing.T) promotions.Promotion {
	t.Helper()
	start, err := date.Parse("2026-03-01")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 2, 28, 1, 2, 3, 456789000, time.UTC)
	return promotions.Promotion{
		ID: uuid.New(), Title: "Ünïcode", Description: "d", IsActive: true, Type: promotions.PromotionTypeVIPPromotion,
		Amount: 2050, StartDate: start, EndDate: start.AddDays(30), CreatedAt: at, UpdatedAt: at.Add(time.Hour),
	}
}

// What one of ent and pgx writes, both read as it was.
func TestPromotionRows(t *testing.T) {
	t.Parallel()
	db, client := openRows(t)
	byEnt, byPgx := somePromotion(t), somePromotion(t)
	if err := setPromotion(client.Promotion.Create(), byEnt).Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	insert(t, db, "promotions", promotionColumns, promotionValues(byPgx))
	for _, want := range []promotions.Promotion{byEnt, byPgx} {
		row, err := client.Promotion.Get(t.Context(), want.ID)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "ent", promotionFromRow(row), want)
		same(t, "pgx", read(t, db, "promotions", promotionColumns, want.ID, scanPromotion), want)
	}
	changed := somePromotion(t)
	changed.ID, changed.CreatedAt, changed.Type = byEnt.ID, byEnt.CreatedAt, byEnt.Type
	changed.IsActive, changed.Title, changed.Amount = false, "new", 1
	if err := changePromotion(client.Promotion.UpdateOneID(byEnt.ID), changed).Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	same(t, "changed", read(t, db, "promotions", promotionColumns, byEnt.ID, scanPromotion), changed)
}

// NULL and the zero value stand for each other.
func TestAssignmentRows(t *testing.T) {
	t.Parallel()
	db, client := openRows(t)
	p := somePromotion(t)
	insert(t, db, "promotions", promotionColumns, promotionValues(p))
	bare := func() promotions.Assignment {
		return promotions.Assignment{ID: uuid.New(), UserID: uuid.New(), PromotionID: p.ID, Amount: 1, CreatedAt: p.CreatedAt}
	}
	claimed := func() promotions.Assignment {
		a := bare()
		a.Claimed, a.ClaimedAt, a.TransactionID = true, p.UpdatedAt, uuid.New()
		a.AssignedBy, a.Title, a.ClaimKey = uuid.New(), p.Title, "key"
		return a
	}
	for name, build := range map[string]func() promotions.Assignment{"bare": bare, "claimed": claimed} {
		byEnt, byPgx := build(), build()
		if err := setAssignment(client.Assignment.Create(), byEnt).Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
		n, err := db.CopyFrom(t.Context(), pgx.Identifier{"player_promotions"}, columns.Names(assignmentColumns),
			pgx.CopyFromRows([][]any{assignmentValues(byPgx)}))
		if err != nil || n != 1 {
			t.Fatal(n, err)
		}
		for _, want := range []promotions.Assignment{byEnt, byPgx} {
			row, err := client.Assignment.Get(t.Context(), want.ID)
			if err != nil {
				t.Fatal(err)
			}
			same(t, name+" by ent", assignmentFromRow(row), want)
			same(t, name+" by pgx", read(t, db, "player_promotions", assignmentColumns, want.ID, scanAssignment), want)
		}
		for _, change := range []func() promotions.Assignment{claimed, bare} {
			changed := change()
			changed.ID, changed.PromotionID, changed.UserID = byEnt.ID, p.ID, byEnt.UserID
			if err := changeAssignment(client.Assignment.UpdateOneID(byEnt.ID), changed).Exec(t.Context()); err != nil {
				t.Fatal(err)
			}
			same(t, name+" changed", read(t, db, "player_promotions", assignmentColumns, byEnt.ID, scanAssignment), changed)
		}
	}
	var nulls int
	err := db.QueryRow(t.Context(), `SELECT count(*) FROM player_promotions WHERE assigned_by IS NULL
		AND claimed_at IS NULL AND transaction_id IS NULL AND claim_key IS NULL`).Scan(&nulls)
	if err != nil || nulls != 3 {
		t.Errorf("%d assignments have only NULLs, want 3; %v", nulls, err)
	}
}

func insert(t *testing.T, db *pgxpool.Pool, table, list string, values []any) {
	t.Helper()
	sql := "INSERT INTO " + table + " (" + list + ") VALUES (" + columns.Placeholders(list, 1) + ")"
	if _, err := db.Exec(t.Context(), sql, values...); err != nil {
		t.Fatal(err)
	}
}

func read[T any](t *testing.T, db *pgxpool.Pool, table, list string, id uuid.UUID, scan pgx.RowToFunc[T]) T {
	t.Helper()
	rows, err := db.Query(t.Context(), "SELECT "+list+" FROM "+table+" WHERE id = $1", id)
	if err != nil {
		t.Fatal(err)
	}
	v, err := pgx.CollectExactlyOneRow(rows, scan)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func same(t *testing.T, name string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %+v\nwant %+v", name, got, want)
	}
}
