package postgres

import (
	"testing"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/casino-loyalty/loyalty/atlas"
	ent "github.com/casino-loyalty/loyalty/ent/promotions"
	"github.com/casino-loyalty/loyalty/internal/convert/columns"
	"github.com/casino-loyalty/loyalty/internal/entitytest"
	"github.com/casino-loyalty/loyalty/internal/postgres/postgrestest"
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

// storedPromotion returns a promotion with a value in each field that is stored.
func storedPromotion(t *testing.T, filler *entitytest.Filler) promotions.Promotion {
	t.Helper()
	p := promotions.Promotion{
		Type: promotions.PromotionTypeVIPPromotion, State: promotions.PromotionStateActive, InactiveAs: string(promotions.StatusDraft),
		Code: "SPRING-24",
	}
	filler.Fill(t, &p)
	p.State, p.Usage = "", promotions.PromotionUsage{}
	return p
}

// A row that ent writes is read unchanged by ent and by pgx.
func TestPromotionRows(t *testing.T) {
	t.Parallel()
	db, client := openRows(t)
	var filler entitytest.Filler
	p := storedPromotion(t, &filler)
	if err := setPromotion(client.Promotion.Create(), p).Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	row, err := client.Promotion.Get(t.Context(), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	entitytest.AssertEqual(t, "ent", promotionFromRow(row), p)
	entitytest.AssertEqual(t, "pgx", read(t, db, "promotions", promotionColumns, p.ID, scanPromotion), p)

	changed := storedPromotion(t, &filler)
	changed.ID, changed.CreatedAt, changed.IsActive, changed.Code = p.ID, p.CreatedAt, false, ""
	if err := changePromotion(client.Promotion.UpdateOneID(p.ID), changed).Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	entitytest.AssertEqual(t, "changed", read(t, db, "promotions", promotionColumns, p.ID, scanPromotion), changed)
}

// The zero value of a nullable column is stored as NULL, and NULL is read as the zero value.
func TestAssignmentRows(t *testing.T) {
	t.Parallel()
	db, client := openRows(t)
	var filler entitytest.Filler
	p := storedPromotion(t, &filler)
	if err := setPromotion(client.Promotion.Create(), p).Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	full := promotions.Assignment{PromotionID: p.ID}
	full.State, full.Source = promotions.AssignmentStateAssigned, promotions.AssignmentSourceJob
	filler.Fill(t, &full)
	full.State = ""
	bare := promotions.Assignment{ID: uuid.New(), UserID: uuid.New(), PromotionID: p.ID, Amount: 1, CreatedAt: p.CreatedAt,
		Source: promotions.AssignmentSourceRegistration}
	for name, a := range map[string]promotions.Assignment{"full": full, "bare": bare} {
		insert(t, db, "player_promotions", assignmentColumns, assignmentValues(a))
		entitytest.AssertEqual(t, name, read(t, db, "player_promotions", assignmentColumns, a.ID, scanAssignment), a)
	}
	var nulls int
	err := db.QueryRow(t.Context(), `SELECT count(*) FROM player_promotions WHERE assigned_by IS NULL
		AND claimed_at IS NULL AND transaction_id IS NULL AND claim_id IS NULL AND expires_at IS NULL AND revoked_at IS NULL
		AND expired_at IS NULL AND job_id IS NULL`).Scan(&nulls)
	if err != nil || nulls != 1 {
		t.Errorf("%d assignments have NULL in all nullable columns, want 1; %v", nulls, err)
	}
}

func TestPlayerRows(t *testing.T) {
	t.Parallel()
	db, _ := openRows(t)
	var p promotions.Player
	new(entitytest.Filler).Fill(t, &p)
	insert(t, db, "players", playerColumns, playerValues(p))
	entitytest.AssertEqual(t, "player", read(t, db, "players", playerColumns, p.ID, scanPlayer), p)
}

func TestRestrictionRows(t *testing.T) {
	t.Parallel()
	db, _ := openRows(t)
	full := promotions.PlayerRestriction{Kind: promotions.RestrictionKindCoolOff}
	new(entitytest.Filler).Fill(t, &full)
	bare := promotions.PlayerRestriction{ID: uuid.New(), UserID: uuid.New(), Kind: promotions.RestrictionKindBonusAbuse}
	for name, r := range map[string]promotions.PlayerRestriction{"full": full, "bare": bare} {
		insert(t, db, "player_restrictions", playerRestrictionColumns, playerRestrictionValues(r))
		entitytest.AssertEqual(t, name, read(t, db, "player_restrictions", playerRestrictionColumns, r.ID, scanPlayerRestriction), r)
	}
}

func TestRefusalRows(t *testing.T) {
	t.Parallel()
	db, _ := openRows(t)
	r := promotions.Refusal{Action: promotions.RefusalActionRedeem}
	new(entitytest.Filler).Fill(t, &r)
	insert(t, db, "refusals", refusalColumns, refusalValues(r))
	entitytest.AssertEqual(t, "refusal", read(t, db, "refusals", refusalColumns, r.ID, scanRefusal), r)
}

func TestAnomalyRows(t *testing.T) {
	t.Parallel()
	db, _ := openRows(t)
	full := promotions.Anomaly{Rule: promotions.AnomalyRuleClaimRate}
	new(entitytest.Filler).Fill(t, &full)
	bare := promotions.Anomaly{
		ID: uuid.New(), Rule: promotions.AnomalyRulePlayerCount, CreatedAt: full.CreatedAt, Subject: uuid.New(), WindowStart: full.WindowStart,
	}
	for name, a := range map[string]promotions.Anomaly{"full": full, "bare": bare} {
		insert(t, db, "anomalies", anomalyColumns, anomalyValues(a))
		entitytest.AssertEqual(t, name, read(t, db, "anomalies", anomalyColumns, a.ID, scanAnomaly), a)
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
